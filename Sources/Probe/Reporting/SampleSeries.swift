// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What the page draws of one path's samples: bounded, however long the measurement was. Dots are decimated, curves are
/// quantiles of all samples.
public struct SampleSeries: Encodable, Sendable {
    /// Dots over time, parallel arrays for brevity: a page may carry ten thousand.
    public struct Dots: Encodable, Sendable {
        /// Since the start of the measurement.
        public let seconds: [Double]
        public let ms: [Double]
        public let stream: [Int]
        /// Of so many samples.
        public let of: Int
    }

    /// Values below which so many percent of the samples lie.
    public struct Quantiles: Encodable, Sendable {
        public let percent: [Double]
        public let ms: [Double]
    }

    public let name: String
    /// From publish to arrival; nil without publish times or clock.
    public let latency: Dots?
    public let latencyQuantiles: Quantiles?
    /// Between neighbouring events of one stream.
    public let gap: Dots?
    public let gapQuantiles: Quantiles?

    /// Dots of each kind for each path.
    static let dotLimit = 3_000
    /// Half a percent apart, and further into the tail where the interest is.
    static let percents = (0...198).map { Double($0) / 2 } + [99.5, 99.8, 99.9, 99.95, 99.99, 100]

    /// - Parameters:
    ///   - samples: of one path, each stream's in the order of arrival.
    ///   - start: monotonic nanoseconds of the second 0.
    public init(name: String, samples: [EventSample], clock: ClockTrack, start: Int64) {
        var latencies: [Dot] = []
        var gaps: [Dot] = []
        var before: [Int: Int64] = [:]
        for sample in samples {
            let seconds = (sample.lastByte - start).seconds
            if let latency = clock.latency(of: sample).milliseconds {
                latencies.append(Dot(seconds: seconds, ms: latency, stream: sample.stream))
            }
            if let last = before.updateValue(sample.lastByte, forKey: sample.stream) {
                gaps.append(Dot(seconds: seconds, ms: (sample.lastByte - last).milliseconds, stream: sample.stream))
            }
        }
        self.name = name
        (latency, latencyQuantiles) = (Self.dots(latencies), Self.quantiles(latencies))
        (gap, gapQuantiles) = (Self.dots(gaps), Self.quantiles(gaps))
    }

    private struct Dot {
        var seconds, ms: Double
        var stream: Int
    }

    private static func dots(_ all: [Dot]) -> Dots? {
        guard !all.isEmpty else { return nil }
        // Streams are appended by their own loops, so neighbours may be out of order by microseconds.
        let ordered = all.sorted { $0.seconds < $1.seconds }
        let kept = Decimation.places(times: ordered.map(\.seconds), values: ordered.map(\.ms), limit: dotLimit)
            .map { ordered[$0] }
        return Dots(
            seconds: kept.map { rounded($0.seconds) }, ms: kept.map { rounded($0.ms) }, stream: kept.map(\.stream),
            of: all.count)
    }

    private static func quantiles(_ all: [Dot]) -> Quantiles? {
        guard let distribution = Distribution(all.lazy.map(\.ms)) else { return nil }
        return Quantiles(percent: percents, ms: percents.map { rounded(distribution.percentile($0)) })
    }

    /// To a tenth of a microsecond, for short text.
    static func rounded(_ value: Double) -> Double {
        value.isFinite && abs(value) < 1e11 ? (value * 10_000).rounded() / 10_000 : value
    }
}
