// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How an origin's clock stands to ours: what to add to our monotonic time to get the origin's Unix time, and by how
/// much that can be wrong at most (RFC 5905 section 8, with the whole round trip for the error).
public struct ClockOffset: Sendable, Hashable {
    /// Nanoseconds: origin's Unix time − our monotonic time.
    public var offset: Int64
    /// Nanoseconds: the offset is within ± this.
    public var error: Int64
    /// Our monotonic time of the measurement.
    public var time: Int64

    public init(offset: Int64, error: Int64, time: Int64) {
        self.offset = offset
        self.error = error
        self.time = time
    }

    /// One exchange of `GET /time`.
    /// - Parameters:
    ///   - asked: our monotonic time when the request was handed to the kernel.
    ///   - received: the origin's Unix time when it had the request.
    ///   - sent: the origin's Unix time when it answered.
    ///   - answered: our monotonic time when the answer had been read.
    /// - Returns: nil when the four contradict each other: an answer took longer at the origin than here.
    public init?(asked: Int64, received: Int64, sent: Int64, answered: Int64) {
        let trip = answered.subtractingReportingOverflow(asked)
        let work = sent.subtractingReportingOverflow(received)
        guard !trip.overflow, !work.overflow, work.partialValue >= 0, trip.partialValue >= work.partialValue,
            received > 0, received < 1 << 62, sent < 1 << 62, asked >= 0
        else { return nil }
        offset = ((received - asked) + (sent - answered)) / 2
        error = (trip.partialValue - work.partialValue) / 2
        time = answered
    }

    /// The offset that makes our own Unix clock the origin's.
    static func own(unix: Int64, monotonic: Int64) -> Int64 { unix - monotonic }
}

/// Offsets over the time of a measurement. Clocks drift apart by up to 500 ppm, so between two estimates the offset is
/// a line, and before the first and after the last it stays.
public struct ClockTrack: Sendable, Hashable {
    /// In the order of their times.
    public private(set) var estimates: [ClockOffset]

    public init(_ estimates: [ClockOffset]) {
        self.estimates = estimates.sorted { $0.time < $1.time }
    }

    public mutating func add(_ estimate: ClockOffset) {
        self = ClockTrack(estimates + [estimate])
    }

    /// The offset in force at `time`, in nanoseconds; nil without any estimate.
    public func offset(at time: Int64) -> Int64? {
        guard let first = estimates.first, let last = estimates.last else { return nil }
        if time <= first.time { return first.offset }
        if time >= last.time { return last.offset }
        guard let after = estimates.firstIndex(where: { $0.time >= time }), after > 0 else { return last.offset }
        let (a, b) = (estimates[after - 1], estimates[after])
        guard b.time > a.time else { return b.offset }
        let share = Double(time - a.time) / Double(b.time - a.time)
        return a.offset + Int64(Double(b.offset - a.offset) * share)
    }

    /// The error bound of the worst estimate in use, in nanoseconds.
    public var error: Int64? { estimates.map(\.error).max() }

    /// From publish to arrival, in nanoseconds; nil when the event has no publish time or the clock is unknown.
    public func latency(of sample: EventSample) -> Int64? {
        guard let published = sample.publishTime, let offset = offset(at: sample.lastByte) else { return nil }
        let (latency, overflow) = (sample.lastByte + offset).subtractingReportingOverflow(published)
        return overflow ? nil : latency
    }
}
