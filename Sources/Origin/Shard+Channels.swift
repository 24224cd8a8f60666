// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where channels come from and go to: the home loop makes and frees them, other loops follow.

import NIOCore
import Transport

/// Why a channel cannot be had.
enum ChannelRefusal: Error, Equatable {
    case tooManyChannels(limit: Int)
}

extension Shard {
    /// Calls `body` with this loop's copy of a channel, at once or when it has arrived.
    func withChannel(_ key: ChannelKey, _ body: @escaping (Result<Channel, ChannelRefusal>) -> Void) {
        if let channel = self.channels[key] { return body(.success(channel)) }
        let home = key.home(among: self.directory.shards.count)
        if home == self.index { return body(self.makeHome(key)) }
        self.waiting[key, default: []].append(body)
        guard self.waiting[key]?.count == 1 else { return }
        let follower = self.index
        self.directory.send(to: home) { $0.admitFollower(follower, of: key) }
    }

    /// On the home loop: the channel, made if it has to be.
    func makeHome(_ key: ChannelKey) -> Result<Channel, ChannelRefusal> {
        if let channel = self.channels[key] { return .success(channel) }
        guard self.shared.enterChannel() || (self.freeOldestIdleChannel() && self.shared.enterChannel()) else {
            return .failure(.tooManyChannels(limit: self.configuration.maximumChannels))
        }
        let channel = Channel(
            key: key,
            epoch: .random(),
            log: FramedLog(
                maximumMessages: self.configuration.channelEvents, maximumBytes: self.configuration.channelBytes
            ),
            home: ChannelHome(),
            audience: ChannelAudience(),
            now: Clock.monotonic()
        )
        self.channels[key] = channel
        return .success(channel)
    }

    /// On the home loop: `follower` gets a copy of the log, and every event from now on.
    private func admitFollower(_ follower: Int, of key: ChannelKey) {
        switch self.makeHome(key) {
        case .success(let channel):
            channel.home?.followers.insert(follower)
            self.startTickerIfNeeded(channel)
            let history = EventBatch(copying: channel.log)
            let epoch = channel.epoch
            let first = channel.log.firstSequence
            let audience = channel.audience
            self.directory.send(to: follower) {
                $0.followerAdmitted(
                    to: key, epoch: epoch, firstSequence: first, history: history, audience: audience)
            }
        case .failure(let refusal):
            self.directory.send(to: follower) { shard in
                for body in shard.waiting.removeValue(forKey: key) ?? [] { body(.failure(refusal)) }
            }
        }
    }

    private func followerAdmitted(
        to key: ChannelKey,
        epoch: Epoch,
        firstSequence: UInt64,
        history: EventBatch,
        audience: ChannelAudience
    ) {
        let log = FramedLog(
            maximumMessages: self.configuration.channelEvents,
            maximumBytes: self.configuration.channelBytes,
            firstSequence: firstSequence
        )
        history.forEach { log.append($0, publishedAt: $1) }
        let channel = Channel(
            key: key, epoch: epoch, log: log, home: nil, audience: audience, now: Clock.monotonic())
        self.channels[key] = channel
        for body in self.waiting.removeValue(forKey: key) ?? [] { body(.success(channel)) }
    }

    /// Events from the home of a channel that this loop follows. For a copy given up meanwhile they are ignored: the
    /// next one will contain them.
    func receive(_ batch: EventBatch, key: ChannelKey, epoch: Epoch) {
        guard let channel = self.channels[key], channel.home == nil, channel.epoch == epoch else { return }
        if let context = batch.context {
            let first = channel.log.nextSequence
            channel.publishSpans.add(context, from: first, to: first + UInt64(batch.lengths.count))
        }
        batch.forEach { self.append($0, publishedAt: $1, to: channel) }
    }

    /// Once a second: frees what nobody has used for the linger time.
    func sweepChannels(now: Int64) {
        let linger = Int64.nanoseconds(seconds: self.configuration.channelLinger)
        // A copy is cheap to get again, so it goes sooner than the channel itself.
        let copyLinger = min(linger, 5_000_000_000)
        for channel in Array(self.channels.values) where channel.hasNoStreams {
            if channel.home != nil {
                if now - channel.idleSince >= linger { self.free(channel) }
            } else if now - channel.idleSince >= copyLinger {
                self.channels[channel.key] = nil
                let follower = self.index
                let key = channel.key
                let home = key.home(among: self.directory.shards.count)
                self.directory.send(to: home) { $0.dismissFollower(follower, of: key) }
            }
        }
    }

    private func dismissFollower(_ follower: Int, of key: ChannelKey) {
        guard let channel = self.channels[key] else { return }
        channel.home?.followers.remove(follower)
        self.noteStreamLeft(channel, now: Clock.monotonic())
    }

    /// The last stream of a loop has left: a measurement channel rests until the next comes.
    func noteStreamLeft(_ channel: Channel, now: Int64) {
        guard channel.hasNoStreams else { return }
        channel.idleSince = now
        channel.home?.ticker?.stop()
        channel.home?.ticker = nil
    }

    /// At the limit, the channel without streams that has rested longest makes room for a new one.
    private func freeOldestIdleChannel() -> Bool {
        let oldest = self.channels.values.filter { $0.home != nil && $0.hasNoStreams }
            .min { $0.idleSince < $1.idleSince }
        guard let oldest else { return false }
        self.free(oldest)
        return true
    }

    private func free(_ channel: Channel) {
        channel.home?.ticker?.stop()
        self.channels[channel.key] = nil
        self.shared.leaveChannel()
    }

    /// On the home loop: a measurement channel publishes from its first stream on.
    func startTickerIfNeeded(_ channel: Channel) {
        guard let home = channel.home, home.ticker == nil, case .synthetic(let parameters) = channel.key else { return }
        home.ticker = SyntheticTicker(
            parameters: parameters, nextSequence: channel.log.nextSequence, loop: self.loop
        ) { [weak self, weak channel] in
            guard let self, let channel else { return nil }
            self.publishMeasurement(parameters, on: channel)
            return channel.log.nextSequence
        }
    }
}
