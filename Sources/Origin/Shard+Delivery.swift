// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The delivery path: from a channel's log to its streams' sockets. A turn of the loop serves streams for a bounded time
// and then lets other work in, so that a channel of ten thousand streams holds nothing up for longer.

import NIOCore
import Transport

extension Shard {
    /// Nanoseconds of serving before the loop looks at its sockets and tasks again, which costs some three
    /// microseconds.
    private static let turnLength: Int64 = 1_000_000
    /// What one channel is served before the next dirty channel gets its turn and the clock is read: 128 streams over
    /// HTTP/1.1 or 2,048 over HTTP/2, each about half a turn.
    private static let sliceWeight = 2048
    /// A system call's worth and a copy's.
    private static let socketWeight = 16
    private static let bufferWeight = 1
    /// Bytes that a stream is handed in one write within a pass. One that is further behind goes the longer way, which
    /// cuts its backlog to the transport's measure.
    private static let longestRun = 64 * 1024

    /// Appends an event to this loop's copy of a channel. If the log would drop one that not every stream was offered,
    /// all are served first: a stream whose socket takes bytes must never miss one because events came faster than
    /// turns.
    func append(_ payload: UnsafeRawBufferPointer, publishedAt: Int64, to channel: Channel) {
        if !channel.isDirty {
            channel.offeredBelow = channel.log.nextSequence
        } else if channel.log.firstSequence(afterAppending: payload.count) > channel.offeredBelow {
            self.fanOut(channel, from: 0, weight: .max, now: Clock.monotonic())
            channel.offeredBelow = channel.log.nextSequence
        }
        channel.log.append(payload, publishedAt: publishedAt)
        guard !channel.isDirty, !channel.subscribers.isEmpty else { return }
        channel.isDirty = true
        channel.fanOutIndex = 0
        channel.fanOutHead = channel.log.nextSequence
        self.dirty.append(channel)
        self.scheduleTurn()
    }

    private func scheduleTurn() {
        guard !self.isTickScheduled else { return }
        self.isTickScheduled = true
        self.later { $0.turn() }
    }

    private func turn() {
        self.isTickScheduled = false
        let begin = Clock.monotonic()
        var now = begin
        while now - begin < Self.turnLength, let channel = self.dirty.popFirst() {
            if channel.fanOutIndex == 0 { channel.fanOutHead = channel.log.nextSequence }
            let start = channel.fanOutIndex
            let served = self.fanOut(channel, from: start, weight: Self.sliceWeight, now: now)
            now = Clock.monotonic()
            channel.fanOutIndex = start + served
            if channel.fanOutIndex < channel.subscribers.count {
                self.dirty.append(channel)
            } else if channel.fanOutHead < channel.log.nextSequence, !channel.subscribers.isEmpty {
                // More came while the pass was under way: those served first have not seen it.
                channel.offeredBelow = max(channel.offeredBelow, channel.fanOutHead)
                channel.fanOutIndex = 0
                self.dirty.append(channel)
            } else {
                channel.isDirty = false
                channel.fanOutIndex = 0
            }
        }
        guard !self.dirty.isEmpty else { return }
        self.isTickScheduled = true
        self.afterInput { $0.turn() }
    }

    /// Serves subscribers from `start` on until they weigh `weight`; returns how many there were.
    @discardableResult
    private func fanOut(_ channel: Channel, from start: Int, weight: Int, now: Int64) -> Int {
        let log = channel.log
        let head = log.nextSequence
        // Most streams of a pass stand at the same position, so what they are sent is looked up once.
        var run = FramedLog.Run()
        var batch = DeliveryBatch()
        defer { self.book(&batch, of: channel) }
        let sends = self.server?.sends
        // Nothing below adds or removes subscribers: ends are told in a later turn.
        return channel.subscribers.withUnsafeBufferPointer { subscribers in
            var left = weight
            var index = start
            while index < subscribers.count, left > 0 {
                let subscriber = subscribers[index]
                index += 1
                guard subscriber.member == StreamState.single else {
                    self.deliver(subscriber.slot, now: now)
                    left -= Self.socketWeight
                    continue
                }
                let stream = self.streams[subscriber.slot]
                let isBuffered = stream.pointee.applicationProtocol == .http2
                left -= isBuffered ? Self.bufferWeight : Self.socketWeight
                let position = stream.pointee.position
                guard stream.pointee.blockedSince == 0, position < head else { continue }
                if position != run.first, log.holds(position) {
                    if let sends { self.send(run, through: sends, in: channel, head: head, now: now, batch: &batch) }
                    run = log.run(from: position, limit: Self.longestRun)
                }
                if position == run.first, !isBuffered, let sends,
                    sends.add(subscriber.slot, through: stream.pointee.gate)
                {
                    guard sends.isFull else { continue }
                    self.send(run, through: sends, in: channel, head: head, now: now, batch: &batch)
                } else if position == run.first, let outcome = stream.pointee.gate.write(run) {
                    self.settle(outcome, of: run, to: stream, in: channel, head: head, now: now, batch: &batch)
                } else {
                    self.deliverSingle(stream, now: now, batch: &batch)
                }
            }
            if let sends { self.send(run, through: sends, in: channel, head: head, now: now, batch: &batch) }
            return index - start
        }
    }

    /// Sends a run to the streams that were collected for it, and books what became of each.
    private func send(
        _ run: FramedLog.Run,
        through sends: SendRing,
        in channel: Channel,
        head: UInt64,
        now: Int64,
        batch: inout DeliveryBatch
    ) {
        guard !sends.isEmpty else { return }
        for completion in sends.submit(run.bytes) {
            let stream = self.streams[completion.tag]
            self.settle(completion.outcome, of: run, to: stream, in: channel, head: head, now: now, batch: &batch)
        }
    }

    /// Books a write through a stream's gate; what the kernel did not take whole is for the connection to deal with.
    @inline(__always)
    private func settle(
        _ outcome: WriteOutcome,
        of run: FramedLog.Run,
        to stream: UnsafeMutablePointer<StreamState>,
        in channel: Channel,
        head: UInt64,
        now: Int64,
        batch: inout DeliveryBatch
    ) {
        guard outcome == .wrote(run.bytes.count), run.next == head else {
            let result = stream.pointee.transport.resume(
                after: outcome, of: run, from: &stream.pointee.position, in: channel.log
            )
            return self.note(result, since: run.first, on: stream, now: now, batch: &batch)
        }
        stream.pointee.position = run.next
        self.count(from: run.first, to: run.next, bytes: run.bytes.count, on: stream, of: channel, now: now, in: &batch)
        stream.pointee.wrote(events: run.next - run.first, bytes: run.bytes.count, now: now)
    }

    /// Moves a stream to the head of what it reads, as far as its socket takes it.
    func deliver(_ slot: Int32, now: Int64) {
        let stream = self.streams[slot]
        if stream.pointee.record.members.isEmpty {
            var batch = DeliveryBatch()
            self.deliverSingle(stream, now: now, batch: &batch)
            self.book(&batch, of: stream.pointee.channel)
        } else {
            self.deliverMembers(stream, now: now)
        }
    }

    private func deliverSingle(
        _ stream: UnsafeMutablePointer<StreamState>,
        now: Int64,
        batch: inout DeliveryBatch
    ) {
        guard stream.pointee.blockedSince == 0 else { return }
        let log = stream.pointee.channel.log
        let start = stream.pointee.position
        guard start < log.nextSequence else { return }
        guard start >= log.firstSequence else { return self.skipLost(stream, now: now, batch: &batch) }
        let outcome = stream.pointee.transport.send(from: &stream.pointee.position, of: log)
        self.note(outcome, since: start, on: stream, now: now, batch: &batch)
    }

    /// Books what the connection made of the events from `start` on.
    private func note(
        _ outcome: SendOutcome,
        since start: UInt64,
        on stream: UnsafeMutablePointer<StreamState>,
        now: Int64,
        batch: inout DeliveryBatch
    ) {
        let end = stream.pointee.position
        if end > start {
            let channel = stream.pointee.channel
            let bytes = Int(channel.log.offset(of: end) - channel.log.offset(of: start))
            self.count(
                from: start, to: end, bytes: bytes, on: stream, of: channel,
                isReplay: start < stream.pointee.record.liveFrom, now: now, in: &batch
            )
            stream.pointee.wroteApart(events: end - start, bytes: bytes, now: now)
        }
        if outcome == .blocked { stream.pointee.block(now: now) }
    }

    /// The log dropped events before this stream could take them: says so, and goes on with the oldest there is.
    private func skipLost(
        _ stream: UnsafeMutablePointer<StreamState>,
        now: Int64,
        batch: inout DeliveryBatch
    ) {
        let channel = stream.pointee.channel
        let first = channel.log.firstSequence
        let gap = Gap(reason: .slow, missed: first - stream.pointee.position)
        let id = EventID(epoch: channel.epoch, sequence: first - 1)
        guard self.send(StreamMessage.gap(gap, id: id.description), to: stream, now: now) else { return }
        self.metrics.gapTold(gap)
        stream.pointee.position = first
        self.deliverSingle(stream, now: now, batch: &batch)
    }

    /// A stream of several channels: each event gets an id that names the position in all of them, so it is made for
    /// this stream alone.
    private func deliverMembers(_ stream: UnsafeMutablePointer<StreamState>, now: Int64) {
        let record = stream.pointee.record
        for index in record.members.indices {
            let channel = record.members[index].channel
            while record.members[index].position < channel.log.nextSequence, stream.pointee.blockedSince == 0 {
                let position = record.members[index].position
                guard let payload = channel.log.payload(position) else {
                    let first = channel.log.firstSequence
                    record.members[index].position = first
                    let gap = Gap(reason: .slow, missed: first - position)
                    let message = StreamMessage.gap(gap, id: record.positionText)
                    if self.send(message, to: stream, now: now) {
                        self.metrics.gapTold(gap)
                    } else {
                        record.members[index].position = position
                    }
                    continue
                }
                record.members[index].position = position + 1
                self.composing.clear()
                StreamMessage.write(payload, withID: record.positionText, into: &self.composing)
                guard self.offer(self.composing, to: stream, now: now) else {
                    record.members[index].position = position
                    break
                }
                var batch = DeliveryBatch()
                self.count(
                    from: position, to: position + 1, bytes: self.composing.readableBytes, on: stream, of: channel,
                    isReplay: position < record.members[index].liveFrom, now: now, in: &batch
                )
                stream.pointee.wroteApart(events: 1, bytes: self.composing.readableBytes, now: now)
                self.book(&batch, of: channel)
            }
        }
    }

    /// Sends one message to one stream; `false` if its socket takes nothing.
    @discardableResult
    func send(_ message: ByteBuffer, to stream: UnsafeMutablePointer<StreamState>, now: Int64) -> Bool {
        guard self.offer(message, to: stream, now: now) else { return false }
        stream.pointee.wrote(messageBytes: message.readableBytes, now: now)
        return true
    }

    /// The same, for who counts by itself what was written.
    private func offer(_ message: ByteBuffer, to stream: UnsafeMutablePointer<StreamState>, now: Int64) -> Bool {
        guard stream.pointee.blockedSince == 0 else { return false }
        let isTaken = message.withUnsafeReadableBytes { stream.pointee.transport.send($0) }
        if !isTaken { stream.pointee.block(now: now) }
        return isTaken
    }
}
