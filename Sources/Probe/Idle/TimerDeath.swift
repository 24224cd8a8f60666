// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// When a stream died, as exactly as it is known. An end that is seen at once is exact; one that only showed when bytes
/// were due lies somewhere between the last bytes and then.
struct TimerDeath: Sendable {
    let stream: HeldStream
    /// Nobody closed it: bytes stayed away.
    let isSilent: Bool
    /// A write of the origin's brought the end to light, or no write came through any more.
    let isInterval: Bool
    /// Seconds since the run began.
    let moment: ClosedRange<Double>

    /// How close to its bytes an end follows them, and how far heartbeats are from their interval.
    private static let promptly = 0.05
    static let uneven = 0.15

    /// - Returns: nil for a stream that lives.
    init?(_ stream: HeldStream) {
        self.stream = stream
        isSilent = stream.isSilent
        guard !isSilent else {
            isInterval = true
            let last = stream.lastArrival
            moment = last...min(stream.until, last + (stream.interval ?? stream.silence))
            return
        }
        guard let end = stream.end else { return nil }
        let isPrompt = stream.silence <= Self.promptly
        guard let interval = stream.interval,
            isPrompt || abs(stream.silence - interval) <= max(Self.uneven, interval / 50)
        else {
            isInterval = false
            moment = end.at...end.at
            return
        }
        isInterval = true
        // The write before did not find it yet.
        let before = isPrompt ? end.at - interval : stream.lastArrival
        moment = min(end.at, max(stream.opened, before))...end.at
    }

    var age: ClosedRange<Double> { (moment.lowerBound - stream.opened)...(moment.upperBound - stream.opened) }
    /// How long it had been silent; of an interval, at most.
    var idle: Double { moment.upperBound - stream.lastArrival }
    var how: StreamCut? { isSilent ? nil : stream.end?.how }
}
