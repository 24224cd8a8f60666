// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How streams open and end.

import NIOCore
import NIOHTTP1
import Synchronization
import Transport

/// What a subscriber asked for, read from its request.
struct Subscription {
    var keys: [ChannelKey]
    /// The client's position; `nil` for one that starts with what comes.
    var lastEventID: LastEventID?
    var heartbeat = HeartbeatRequest()
    var durationSeconds: Int?
    var client: String
    var path: String
}

/// Numbers streams over the whole process, from 1.
private let streamNumbers = Atomic<UInt64>(0)

extension Shard {
    /// Fetches the channels, one after the other, then opens the stream.
    func subscribe(_ subscription: Subscription, request: RequestHead, on stream: ServerStream) {
        self.collect(subscription.keys[...], found: []) { result in
            switch result {
            case .success(let channels):
                self.open(subscription, channels: channels, request: request, on: stream)
            case .failure(.tooManyChannels(let limit)):
                stream.respond(
                    self.busy("The origin has \(limit) channels, which is its limit.", request: request.headers)
                )
            }
        }
    }

    private func collect(
        _ keys: ArraySlice<ChannelKey>,
        found: [Channel],
        _ body: @escaping (Result<[Channel], ChannelRefusal>) -> Void
    ) {
        guard let key = keys.first else { return body(.success(found)) }
        self.withChannel(key) { result in
            switch result {
            case .success(let channel): self.collect(keys.dropFirst(), found: found + [channel], body)
            case .failure(let refusal): body(.failure(refusal))
            }
        }
    }

    private func open(
        _ subscription: Subscription,
        channels: [Channel],
        request: RequestHead,
        on stream: ServerStream
    ) {
        // A copy can have been given up while another channel was fetched; then all is asked for again.
        guard channels.allSatisfy({ self.channels[$0.key] === $0 }), let first = channels.first else {
            return self.subscribe(subscription, request: request, on: stream)
        }
        // The peer may have gone while the channels were fetched: then there is no stream to count.
        guard stream.awaitsResponse else { return }
        if let refusal = self.shared.streams.enter(client: subscription.client) {
            return stream.respond(self.refused(refusal, request: request.headers))
        }
        let now = Clock.monotonic()
        let starts = self.resumePoints(subscription.lastEventID, channels: channels)
        let number = streamNumbers.add(1, ordering: .relaxed).newValue
        let record = StreamRecord(
            number: number,
            id: "\(self.shared.instance)-\(number)",
            channelText: channels.map(\.key.text).joined(separator: ","),
            client: subscription.client,
            path: subscription.path,
            request: request,
            openedAt: now,
            heartbeat: subscription.heartbeat.form,
            resumeOutcome: Self.worst(starts.compactMap(\.outcome))
        )
        let id: String
        if channels.count > 1 {
            record.members = zip(channels, starts).map {
                StreamRecord.Member(channel: $0, position: $1.position, liveFrom: $0.log.nextSequence)
            }
            id = record.positionText
        } else {
            record.liveFrom = first.log.nextSequence
            id = EventID(epoch: first.epoch, sequence: starts[0].position - 1).description
        }
        let preamble = StreamMessage.preamble(
            retryMilliseconds: self.configuration.retryMilliseconds, id: id, gaps: starts.compactMap(\.gap)
        )
        let token = self.streams.nextToken()
        let server = self.startServerSpan(request, record: record, on: stream)
        record.traceID = server.context.traceID
        stream.open(self.streamHead(record, trace: server.context, request: request), token: token, preamble: preamble)
        let trace = self.startStreamTrace(record, server: server, channel: first, now: Clock.monotonic())
        var state = StreamState(
            transport: stream,
            channel: first,
            position: starts[0].position,
            deadline: self.deadline(subscription, record: record, now: now),
            heartbeatInterval: subscription.heartbeat.interval ?? self.shared.heartbeatNanoseconds,
            tracePlace: trace ?? StreamState.untraced,
            record: record
        )
        state.byteCount = UInt64(preamble.readableBytes)
        self.streams.insert(state)
        self.metrics.streamOpened(over: record.applicationProtocol, resume: record.resumeOutcome)
        for gap in starts.compactMap(\.gap) { self.metrics.gapTold(gap) }
        self.join(token.slot, channels: channels)
        self.deliver(token.slot, now: now)
    }

    private func resumePoints(_ last: LastEventID?, channels: [Channel]) -> [ResumePoint] {
        channels.enumerated().map { index, channel in
            var position: EventID?
            var isForeign = false
            switch last {
            case .positions(let ids): position = ids[index]
            case .foreign, .ended: isForeign = true
            case nil: break
            }
            return ResumePoint.find(
                last: position,
                isForeign: isForeign,
                epoch: channel.epoch,
                first: channel.log.firstSequence,
                next: channel.log.nextSequence
            )
        }
    }

    private static func worst(_ outcomes: [ResumeOutcome]) -> ResumeOutcome? {
        let order: [ResumeOutcome] = [.unknownEpoch, .gap, .replayed, .current]
        return order.first { outcomes.contains($0) }
    }

    /// When the stream ends by itself, and why: the nearer of the duration that it asked for and the lifetime that the
    /// operator allows.
    private func deadline(_ subscription: Subscription, record: StreamRecord, now: Int64) -> Int64 {
        var deadline = Int64.max
        if let seconds = subscription.durationSeconds { deadline = now + .nanoseconds(seconds: Double(seconds)) }
        let lifetime = self.configuration.maximumStreamLifetime
        if lifetime > 0 {
            // Up to a tenth earlier, so that streams that came together do not all come back together.
            let limit = now + .nanoseconds(seconds: lifetime * Double.random(in: 0.9...1))
            if limit < deadline {
                deadline = limit
                record.deadlineReason = .maxLifetime
            }
        }
        if let drain = self.drainDeadline {
            let limit = self.drainTime(now: now, end: drain)
            if limit < deadline {
                deadline = limit
                record.deadlineReason = .drain
            }
        }
        return deadline
    }

    private func join(_ slot: Int32, channels: [Channel]) {
        let record = self.streams[slot].pointee.record
        for (index, channel) in channels.enumerated() {
            let member = record.members.isEmpty ? StreamState.single : Int32(index)
            let place = Int32(channel.add(Subscriber(slot: slot, member: member)))
            if record.members.isEmpty {
                record.subscriberIndex = place
            } else {
                record.members[index].subscriberIndex = place
            }
            self.startTickerIfNeeded(channel)
        }
    }

    // MARK: Ending

    /// Ends a stream by our doing, after everything that was published for it is with its socket.
    func end(_ slot: Int32, reason: OriginClose, now: Int64) {
        let stream = self.streams[slot]
        let patience =
            self.drainDeadline.map { $0 + 1_000_000_000 }
            ?? now + .nanoseconds(seconds: self.configuration.slowSeconds)
        stream.pointee.record.ending = StreamEnding(reason: reason, patience: patience)
        stream.pointee.isEnding = true
        self.deliver(slot, now: now)
        if reason == .drain { self.endSegment(stream.pointee, now: now) }
        self.finishIfDelivered(slot, now: now)
    }

    func finishIfDelivered(_ slot: Int32, now: Int64) {
        let stream = self.streams[slot]
        guard let ending = stream.pointee.record.ending, stream.pointee.blockedSince == 0 else { return }
        stream.pointee.transport.finish(self.lastMessage(for: ending.reason, stream: stream.pointee))
        self.close(slot, ending: .origin(ending.reason), socket: stream.pointee.transport.socketSample(), now: now)
    }

    /// Cuts a stream off: its socket does not take what there is to say.
    func cut(_ slot: Int32, reason: OriginClose, now: Int64) {
        let stream = self.streams[slot]
        let socket = stream.pointee.transport.socketSample()
        stream.pointee.transport.abort()
        if stream.pointee.applicationProtocol == .http2 { self.metrics.streamReset(.cancel, .sent) }
        self.close(slot, ending: .origin(reason), socket: socket, now: now)
    }

    private func lastMessage(for reason: OriginClose, stream: StreamState) -> ByteBuffer? {
        switch reason {
        case .durationComplete:
            let id = EventID(epoch: stream.channel.epoch, sequence: stream.position - 1)
            return StreamMessage.end(id: id, events: stream.eventCount)
        case .drain:
            // Spread over twice the usual time, so that those who leave together do not come back together.
            let base = self.configuration.retryMilliseconds
            return StreamMessage.retry(milliseconds: Int.random(in: base...max(base + 1000, base * 2)))
        case .maxLifetime, .slowConsumer, .shutdown, .protocolError: return nil
        }
    }

    /// Takes a stream that is over out of everything, and hands its evidence on.
    func close(_ slot: Int32, ending: CloseEvidence.Ending, socket: SocketSample?, now: Int64) {
        let state = self.streams.remove(slot)
        let record = state.record
        if record.members.isEmpty {
            self.leave(state.channel, at: record.subscriberIndex, now: now)
        } else {
            for member in record.members { self.leave(member.channel, at: member.subscriberIndex, now: now) }
        }
        self.shared.streams.leave(client: record.client)
        self.metrics.streamClosed(over: record.applicationProtocol, ending: ending)
        let evidence = CloseEvidence(
            ending: ending,
            httpVersion: record.applicationProtocol == .http2 ? .http2 : .http1,
            stream: record.number,
            connection: record.connection.id.rawValue,
            peer: record.connection.peerAddress,
            endNanoseconds: now,
            ageNanoseconds: now - record.openedAt,
            idleNanoseconds: now - state.lastWriteAt,
            eventIdleNanoseconds: now - state.lastEventAt,
            writeBlockedNanoseconds: state.blockedSince == 0 ? 0 : now - state.blockedSince,
            longestPauseNanoseconds: max(state.longestPause, now - state.lastWriteAt),
            heartbeatNanoseconds: state.heartbeatInterval > 0 ? state.heartbeatInterval : nil,
            announcedLimitMilliseconds: record.announcedLimitMilliseconds,
            unacknowledgedBytes: socket?.unacknowledgedBytes,
            unsentBytes: socket?.unsentBytes,
            events: state.eventCount,
            bytes: state.byteCount
        )
        self.connectionTraces[record.connection.id.rawValue]?.bytes += state.byteCount
        self.shared.closes.record(
            ClosedStream(
                id: record.id,
                channel: record.channelText,
                client: record.client,
                path: record.path,
                applicationProtocol: record.applicationProtocol,
                requestNumber: record.requestNumber,
                heartbeats: record.heartbeatCount,
                traceID: record.traceID,
                trace: self.endStreamTrace(state, now: now),
                evidence: evidence
            )
        )
    }

    private func leave(_ channel: Channel, at place: Int32, now: Int64) {
        if let (moved, isPassed) = channel.remove(at: Int(place)) {
            let stream = self.streams[moved.slot]
            if moved.member == StreamState.single {
                stream.pointee.record.subscriberIndex = place
            } else {
                stream.pointee.record.members[Int(moved.member)].subscriberIndex = place
            }
            // The pass under way is beyond the place that the moved stream has now.
            if isPassed { self.deliver(moved.slot, now: now) }
        }
        if channel.subscribers.isEmpty {
            channel.idleSince = now
            self.noteStreamLeft(channel, now: now)
        }
    }
}
