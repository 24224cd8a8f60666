// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Two paths, event by event: the same event's arrival here and there. Needs no clock but ours.
public struct PathPair: Encodable, Sendable {
    /// Names of the paths; a delta is the arrival on `b` minus that on `a`: above zero, `a` was faster.
    public let a, b: String
    /// Events that came on both.
    public let matched: Int
    /// That came on one only, between the first and the last event that came on both.
    public let onlyA, onlyB: Int
    /// Same event, other content.
    public let altered: Int
    /// Closer together than `resolutionMs` is a tie.
    public let winsA, winsB, ties: Int
    public let resolutionMs: Double
    public let meanMs, medianMs: Double?
    public let meanIntervalMs, medianIntervalMs: [Double]?
    /// How the deltas are distributed; nil without any.
    public let histogram: Histogram?
    /// The delta of every matched event, in the order of arrival.
    public let series: DeltaSeries

    /// - Parameters:
    ///   - a: samples of one stream of path a, in the order of arrival; `b` likewise.
    ///   - resolution: milliseconds, see ``resolutionMs``.
    public init(names: (a: String, b: String), a: [EventSample], b: [EventSample], resolution: Double) {
        self.a = names.a
        self.b = names.b
        resolutionMs = resolution
        let match = EventMatch(a, b)
        matched = match.pairs.count
        onlyA = match.onlyA
        onlyB = match.onlyB
        altered = match.pairs.count { $0.a.digest != $0.b.digest }
        let start = match.pairs.first.map { min($0.a.lastByte, $0.b.lastByte) } ?? 0
        series = DeltaSeries(
            points: match.pairs.map { pair in
                DeltaSeries.Point(
                    atSeconds: (min(pair.a.lastByte, pair.b.lastByte) - start).milliseconds / 1_000,
                    deltaMs: (pair.b.lastByte - pair.a.lastByte).milliseconds, id: pair.a.id)
            })
        let deltas = series.points.map(\.deltaMs)
        winsA = deltas.count { $0 > resolution }
        winsB = deltas.count { $0 < -resolution }
        ties = deltas.count - winsA - winsB
        let distribution = Distribution(deltas)
        histogram = distribution.map(Histogram.init)
        meanMs = distribution?.mean
        medianMs = distribution?.median
        meanIntervalMs = ConfidenceInterval.ofMean(deltas).map { [$0.lower, $0.upper] }
        medianIntervalMs = distribution.flatMap(ConfidenceInterval.ofMedian).map { [$0.lower, $0.upper] }
    }
}

/// Which event of one path is which of the other.
struct EventMatch {
    private(set) var pairs: [(a: EventSample, b: EventSample)] = []
    private(set) var onlyA = 0
    private(set) var onlyB = 0

    /// Equal keys match in the order of their occurrence: without ids and numbers, equal contents repeat.
    init(_ a: [EventSample], _ b: [EventSample]) {
        var waiting: [EventSample.Key: [Int]] = [:]
        for (place, sample) in b.enumerated().reversed() { waiting[sample.key, default: []].append(place) }
        var isMatched = [Bool](repeating: false, count: b.count)
        var places: [(a: Int, b: Int)] = []
        for (place, sample) in a.enumerated() {
            guard let other = waiting[sample.key]?.popLast() else { continue }
            isMatched[other] = true
            places.append((place, other))
        }
        pairs = places.map { (a[$0.a], b[$0.b]) }
        guard let firstA = places.map(\.a).min(), let lastA = places.map(\.a).max(),
            let firstB = places.map(\.b).min(), let lastB = places.map(\.b).max()
        else { return }
        // Before the first and after the last common event a stream was simply not open yet or any more.
        onlyA = lastA - firstA + 1 - places.count
        onlyB = lastB - firstB + 1 - places.count
    }
}
