// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

// Streams: opened on a connection with room, or on a new one; and how they end.
extension LoadAttacker {
    func open(_ slot: Int, due: Int64) {
        guard !isStopping else { return }
        streams[slot].begin(due: due)
        underWay += 1
        figures.pointee.counts.attempts += 1
        let connection = connectionWithRoom(for: streams[slot].role)
        streams[slot].connection = connection.number
        connection.load += 1
        if connection.link == nil {
            connection.waiting.append(slot)
        } else {
            request(slot, on: connection)
        }
    }

    /// Sends the request of a stream whose connection is there.
    func request(_ slot: Int, on connection: LoadConnection) {
        let attempt = streams[slot].attempt
        guard let link = connection.link else { return }
        let flow: HTTPFlow = streams[slot].role == .slow ? .manual : .automatic
        do throws(HTTPClientError) {
            exchanges[slot] = try link.start(request, flow: flow, token: UInt32(slot)) { [unowned self] event in
                guard streams[slot].attempt == attempt else { return }
                handle(event, slot)
            }
            figures.pointee.pacing.record(Clock.monotonic() - streams[slot].due)
        } catch {
            // The server allows fewer streams than planned: this connection is full, another one is not.
            if case .streamLimit = error, connection.load > 1 {
                connection.capacity = connection.load - 1
                detach(slot)
                return moveElsewhere(slot)
            }
            if case .connectionClosing = error, connection.hasServed {
                connection.isRetired = true
                detach(slot)
                return moveElsewhere(slot)
            }
            ended(slot, LoadCause(error)) { "\(error)" }
        }
    }

    /// The same opening on another connection: its time goes on.
    private func moveElsewhere(_ slot: Int) {
        let connection = connectionWithRoom(for: streams[slot].role)
        streams[slot].connection = connection.number
        connection.load += 1
        if connection.link == nil {
            connection.waiting.append(slot)
        } else {
            request(slot, on: connection)
        }
    }

    private func handle(_ event: HTTPResponseEvent, _ slot: Int) {
        switch event {
        case .informational, .body: break
        case .head(let head): opened(slot, head)
        case .end(.complete, _): ended(slot, .complete) { "the response was complete" }
        case .end(.untilClose, _): ended(slot, .untilClose) { "the connection ended, and with it the response" }
        case .end(.failed(let error), _): ended(slot, LoadCause(error)) { "\(error)" }
        }
    }

    private func opened(_ slot: Int, _ head: HTTPClientResponseHead) {
        guard streams[slot].phase == .opening else { return }
        guard head.status == .ok, ResponseCheck.isEventStream(head.headers.first(name: "content-type") ?? "") else {
            let status = Int(head.status.code)
            ended(slot, status == 200 ? .notEventStream : .status(status)) {
                status == 200 ? "Content-Type is not text/event-stream" : "the server answered \(status)"
            }
            return
        }
        streams[slot].phase = .open
        underWay -= 1
        switch streams[slot].role {
        case .reader:
            figures.pointee.counts.opened += 1
            figures.pointee.opening.record(head.arrival.time - streams[slot].due)
        case .slow: figures.pointee.counts.opened += 1
        case .halfDead:
            figures.pointee.counts.opened += 1
            figures.pointee.counts.vanished += 1
            connection(of: slot)?.link?.vanish()
        }
    }

    /// A stream is over, or could not be opened, by no wish of ours.
    func ended(_ slot: Int, _ cause: LoadCause, _ example: () -> String) {
        let phase = streams[slot].phase
        guard phase == .opening || phase == .open else { return }
        // First, so that the end that a cancelled request reports is no news.
        streams[slot].phase = .idle
        if phase == .opening { underWay -= 1 }
        let role = streams[slot].role
        release(slot)
        guard !isStopping else { return }
        if phase == .opening {
            figures.pointee.counts.failures.note(cause, example)
        } else if role != .halfDead {
            figures.pointee.counts.ends.note(cause, example)
        }
        if phase == .open, role == .halfDead {
            streams[slot].phase = .gone
        } else if plan.reconnect == nil {
            streams[slot].phase = .gone
        } else {
            comeBack(slot)
        }
    }

    /// Ends a stream; it can be opened anew at once.
    func leave(_ slot: Int) {
        if streams[slot].phase == .opening { underWay -= 1 }
        if streams[slot].phase == .open { figures.pointee.counts.ends.note(.dropped) { "dropped by the plan" } }
        streams[slot].phase = .leaving
        release(slot)
        streams[slot].phase = .idle
    }

    /// Takes a stream off its connection, which HTTP/1.1 has to close for that.
    private func release(_ slot: Int) {
        let exchange = exchanges[slot]
        exchanges[slot] = nil
        let connection = detach(slot)
        if applicationProtocol == .http2, connection?.isClosed == false {
            exchange?.cancel()
        } else {
            connection?.close()
        }
    }

    @discardableResult
    private func detach(_ slot: Int) -> LoadConnection? {
        guard let connection = connection(of: slot) else { return nil }
        streams[slot].connection = -1
        connection.load -= 1
        if !connection.isRoomy, connection.load < connection.capacity, !connection.isClosed, !connection.isRetired {
            connection.isRoomy = true
            roomy[connection.role.rawValue].append(connection)
        }
        return connection
    }

    /// Drops all readers with their connections. Those whose connection is still on its way are opening anyhow.
    func dropAll() {
        for slot in streams.indices where streams[slot].role == .reader {
            switch streams[slot].phase {
            case .open: figures.pointee.counts.ends.note(.dropped) { "dropped by the plan" }
            case .opening where connection(of: slot)?.link != nil: underWay -= 1
            case .opening, .idle, .leaving, .gone: continue
            }
            streams[slot].phase = .leaving
        }
        for case .some(let connection) in connections where connection.role == .reader && connection.link != nil {
            connection.close()
        }
        for slot in streams.indices where streams[slot].phase == .leaving {
            exchanges[slot] = nil
            detach(slot)
            streams[slot].phase = .idle
        }
    }

    static let slowInterval = TimeAmount.milliseconds(100)

    func feedSlowStreams() {
        let now = Clock.monotonic()
        // By the time that has passed: a busy loop comes late.
        let count = Int(Double(plan.slowRate) * Double(now - slowFedAt) / 1e9)
        slowFedAt = now
        for slot in streams.indices where streams[slot].role == .slow && streams[slot].phase == .open {
            exchanges[slot]?.consumed(count)
        }
        slowTimer = loop.assumeIsolated().scheduleTask(in: Self.slowInterval) { self.feedSlowStreams() }
    }
}
