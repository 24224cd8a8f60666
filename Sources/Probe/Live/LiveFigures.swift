// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a live view shows of a measurement while it runs. Kept up by one task; drawing is a function of the state.
public protocol LiveFigures: Sendable {
    /// Takes in what has come since the last time.
    /// - Parameter now: monotonic nanoseconds.
    mutating func update(now: Int64)

    /// A few lines for a terminal, none longer than `width` characters.
    func lines(width: Int, style: TextStyle) -> [String]

    /// One line for a log.
    var line: String { get }
}

/// The streams of a ``Recording``, path by path.
public struct RecordingFigures: LiveFigures {
    /// One path's figures so far.
    struct Path: Sendable {
        let name: String
        var tally = PathTally()
        /// From publish to arrival, where events bear a time and the clock is known; else between events.
        var latencies = RunningPercentiles()
        var gaps = RunningPercentiles()
        /// The most recent ones, for the sparkline. Bound: `recentLimit`.
        var recentLatencies: [Double] = []
        var recentGaps: [Double] = []
        /// When each stream's last event came.
        var arrivals: [Int: Int64] = [:]
        /// Events by the time of the updates of the last five seconds, for the rate.
        var marks: [(time: Int64, events: Int)] = []
        /// Events each second.
        var rate = 0.0

        var hasLatency: Bool { latencies.count > 0 }
        var shown: RunningPercentiles { hasLatency ? latencies : gaps }
        var recent: [Double] { hasLatency ? recentLatencies : recentGaps }
    }

    static let recentLimit = 120
    private static let rateWindow: Int64 = 5_000_000_000

    let command: String
    /// Seconds; nil runs until it is ended.
    let duration: Double?
    private let recording: Recording
    private(set) var paths: [Path]
    private var samples = 0
    private var started: Int64?
    private(set) var elapsed = 0.0

    public init(command: String, paths: [ProbePath], recording: Recording, duration: Double?) {
        self.command = command
        self.duration = duration
        self.recording = recording
        self.paths = paths.map { Path(name: ResponseCheck.printable($0.name)) }
    }

    public mutating func update(now: Int64) {
        if started == nil { started = now }
        elapsed = (now - (started ?? now)).seconds
        let news = recording.news(from: samples)
        samples += news.samples.count
        for sample in news.samples where paths.indices.contains(sample.path) {
            paths[sample.path].note(sample, clock: news.clocks[sample.path])
        }
        for place in paths.indices {
            if let tally = news.tallies[place] { paths[place].tally = tally }
            paths[place].measureRate(now: now, window: Self.rateWindow)
        }
    }
}

extension RecordingFigures.Path {
    mutating func note(_ sample: EventSample, clock: ClockTrack?) {
        if let latency = clock?.latency(of: sample).milliseconds {
            latencies.add(latency)
            Self.append(latency, to: &recentLatencies)
        }
        if let before = arrivals.updateValue(sample.lastByte, forKey: sample.stream) {
            let gap = (sample.lastByte - before).milliseconds
            gaps.add(gap)
            Self.append(gap, to: &recentGaps)
        }
    }

    private static func append(_ value: Double, to recent: inout [Double]) {
        recent.append(value)
        // Seldom, so that each value is moved once on average.
        if recent.count > 2 * RecordingFigures.recentLimit { recent.removeFirst(RecordingFigures.recentLimit) }
    }

    mutating func measureRate(now: Int64, window: Int64) {
        marks.append((now, tally.events))
        marks.removeAll { now - $0.time > window }
        guard let first = marks.first, now > first.time else {
            rate = 0
            return
        }
        rate = Double(tally.events - first.events) / (now - first.time).seconds
    }
}
