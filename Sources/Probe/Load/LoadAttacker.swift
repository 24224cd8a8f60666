// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// One loop's share of a load test: opens its streams when the schedule says so, and counts what they bring. Belongs to
/// its event loop; what it has counted is taken as a value.
///
/// Bounded: a record for each stream, all made at the start; a connection for each stream at most; everything else is
/// sums. Events are counted where they lie (`HTTPBodySink`) and kept nowhere.
final class LoadAttacker: HTTPBodySink {
    let plan: LoadPlan
    let loop: any EventLoop
    let request: HTTPClientRequest
    /// By `LoadRole.rawValue`: they differ in their windows and timeouts.
    let clients: [HTTPClient]
    let applicationProtocol: ApplicationProtocol
    /// One record for each stream. A pointer, because they are written for each event, and an array in a class is
    /// checked for other owners and for exclusive access each time. Proven: only this loop has it, no index comes from
    /// outside but the sink's token, which is checked, and it is freed with `self`.
    let streams: UnsafeMutableBufferPointer<LoadStream>
    /// Written for each event too; the same reasons.
    let figures: UnsafeMutablePointer<LoadFigures>
    /// By slot.
    var exchanges: ContiguousArray<HTTPClientExchange?>
    var schedule: LoadSchedule
    /// By number; nil where one has ended. Numbers are reused.
    var connections: [LoadConnection?] = []
    var freeNumbers: [Int32] = []
    /// By role: connections that may have room, the last of them tried first.
    var roomy: [[LoadConnection]] = LoadRole.allCases.map { _ in [] }
    /// Slots that come back, in the order of their time: all wait for the same while. Bound: one for each slot.
    var returning: [(slot: Int, due: Int64)] = []
    var returned = 0
    /// The stream that leaves next, if it is open.
    var churnCursor = 0
    var isStopping = false
    var timer: Scheduled<Void>?
    var slowTimer: Scheduled<Void>?
    /// When slow streams were last given what they read, monotonic.
    var slowFedAt: Int64 = 0
    /// Publisher's clock less ours: Unix time − monotonic, in nanoseconds. Nil: unknown, and no latency is measured.
    var clockOffset: Int64?
    var coalescing: LoadCoalescing
    /// Reads HTTP/1.1 streams once they bring much.
    var poll: HTTP1BodyPoll?
    /// Openings without an answer yet.
    var underWay = 0

    /// So many demands in one turn of the loop; then what has arrived gets its turn.
    static let demandsPerTurn = 256

    init(
        plan: LoadPlan,
        share: Int,
        clients: [HTTPClient],
        applicationProtocol: ApplicationProtocol,
        loop: any EventLoop,
        start: Int64
    ) {
        self.plan = plan
        self.loop = loop
        self.clients = clients
        self.applicationProtocol = applicationProtocol
        request = plan.path.request()
        coalescing = LoadCoalescing(plan.coalesce)
        var roles: [LoadRole] = []
        for stream in stride(from: share, to: plan.allStreams, by: max(plan.loops, 1)) {
            // The last ones, so that they open when the others have their load.
            roles.append(
                stream < plan.streams ? .reader : stream < plan.streams + plan.slow ? .slow : .halfDead)
        }
        streams = .allocate(capacity: roles.count)
        for (slot, role) in roles.enumerated() { streams.initializeElement(at: slot, to: LoadStream(role: role)) }
        figures = .allocate(capacity: 1)
        figures.initialize(to: LoadFigures())
        exchanges = ContiguousArray(repeating: nil, count: roles.count)
        schedule = LoadSchedule(plan, slots: roles.count, total: plan.allStreams, loop: share, start: start)
    }

    deinit {
        streams.deinitialize()
        streams.deallocate()
        figures.deinitialize(count: 1)
        figures.deallocate()
    }

    // MARK: Events

    func received(_ bytes: UnsafeRawBufferPointer, token: UInt32, arrival: HTTPArrival) {
        guard let base = streams.baseAddress, token < streams.count else { return }
        if poll == nil, coalescing.received() { loop.assumeIsolated().execute { self.coalescing.pause() } }
        let stream = base + Int(token)
        guard stream.pointee.role == .reader else {
            figures.pointee.counts.slowBytes &+= UInt64(bytes.count)
            return
        }
        figures.pointee.counts.bytes &+= UInt64(bytes.count)
        let figures = self.figures
        let publisherTime = clockOffset.map { arrival.time &+ $0 }
        stream.pointee.scanner.scan(bytes, comments: &figures.pointee.counts.comments) { event in
            stream.pointee.note(event, into: &figures.pointee.counts)
            guard event.marks.contains(.time), event.marks.isDisjoint(with: [.gap, .heartbeat, .end]) else {
                if !event.marks.contains(.time) { figures.pointee.counts.untimed &+= 1 }
                return
            }
            guard let publisherTime, let published = UnixNanoseconds.of(event.time) else { return }
            let latency = publisherTime &- published
            if latency < 0 { figures.pointee.counts.early &+= 1 }
            figures.pointee.delivery.record(latency)
        }
    }

    // MARK: Time

    func begin() {
        slowFedAt = Clock.monotonic()
        if plan.slow > 0, plan.slowRate > 0 { feedSlowStreams() }
        tick()
    }

    /// Does what is due, and comes back when something is.
    func tick() {
        timer = nil
        guard !isStopping else { return }
        let now = Clock.monotonic()
        for _ in 0..<Self.demandsPerTurn {
            guard let demand = schedule.take(by: now) else { break }
            carryOut(demand)
        }
        bringBack(by: now)
        guard let next = nextDue else { return }
        let delay = max(Self.shortestDelay, .nanoseconds(next - Clock.monotonic()))
        timer = loop.assumeIsolated().scheduleTask(in: delay) { self.tick() }
    }

    private func carryOut(_ demand: LoadSchedule.Demand) {
        switch demand {
        case .open(let slot, let due): if streams[slot].phase == .idle { open(slot, due: due) }
        case .churn(let due):
            guard let slot = nextToLeave() else { return }
            figures.pointee.counts.churned += 1
            leave(slot)
            open(slot, due: due)
        case .storm(let due):
            figures.pointee.counts.storms += 1
            dropAll()
            for slot in streams.indices where streams[slot].phase == .idle && streams[slot].role == .reader {
                // Those whose first opening is due later keep their time.
                if streams[slot].attempt > 0 { open(slot, due: due) }
            }
            returning.removeAll { streams[$0.slot].phase != .idle }
            returned = 0
        }
    }

    /// Round robin over all that are open, so that each stream lives equally long.
    private func nextToLeave() -> Int? {
        for _ in streams.indices {
            churnCursor = churnCursor + 1 < streams.count ? churnCursor + 1 : 0
            if streams[churnCursor].phase == .open, streams[churnCursor].role == .reader { return churnCursor }
        }
        return nil
    }

    /// When the next opening, churn or storm is due.
    var nextDue: Int64? {
        [schedule.next, nextReturn].compactMap { $0 }.min()
    }

    private var nextReturn: Int64? {
        returned < returning.count ? returning[returned].due : nil
    }

    private func bringBack(by now: Int64) {
        var count = 0
        while let due = nextReturn, due <= now, count < Self.demandsPerTurn {
            let slot = returning[returned].slot
            returned += 1
            count += 1
            guard streams[slot].phase == .idle else { continue }
            figures.pointee.counts.reconnects += 1
            open(slot, due: due)
        }
        // Half of the queue is history: let it go.
        if returned > 64, returned * 2 >= returning.count {
            returning.removeFirst(returned)
            returned = 0
        }
    }

    /// After an end that was not ours.
    func comeBack(_ slot: Int) {
        guard let delay = plan.reconnect?.clampedNanoseconds, !isStopping else { return }
        returning.append((slot, Clock.monotonic() + delay))
        if timer == nil || returning.count - returned == 1 {
            timer?.cancel()
            timer = nil
            loop.assumeIsolated().execute { self.tick() }
        }
    }

    /// Nothing will call back any more.
    var isOver: Bool { isStopping && connections.allSatisfy { $0 == nil } }

    /// Ends everything; the figures stay.
    func stop() {
        isStopping = true
        timer?.cancel()
        slowTimer?.cancel()
        for slot in streams.indices where streams[slot].phase != .idle { streams[slot].phase = .leaving }
        for connection in connections { connection?.close() }
    }
}

/// A publish time in the unit that its size tells: whole milliseconds, microseconds or nanoseconds since the epoch, as
/// ``PublishStamp`` has it.
enum UnixNanoseconds {
    @inline(__always)
    static func of(_ value: UInt64) -> Int64? {
        switch value {
        case 1_000_000_000_000_000_000...UInt64(Int64.max): Int64(value)
        case 1_000_000_000_000..<10_000_000_000_000: Int64(value) * 1_000_000
        case 1_000_000_000_000_000..<10_000_000_000_000_000: Int64(value) * 1_000
        default: nil
        }
    }
}
