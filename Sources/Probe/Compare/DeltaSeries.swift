// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The delta of every matched event of a pair. Encoded as an array of points; a page gets a decimated one.
public struct DeltaSeries: Encodable, Sendable {
    /// Seconds from the first matched event, and the delta in milliseconds.
    public struct Point: Encodable, Sendable {
        public let atSeconds, deltaMs: Double
        public let id: String?
    }

    /// In the order of arrival.
    public let points: [Point]

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        guard let key = CodingUserInfoKey.seriesLimit, let limit = encoder.userInfo[key] as? Int, points.count > limit
        else { return try container.encode(points) }
        let ordered = points.sorted { $0.atSeconds < $1.atSeconds }
        let kept = Decimation.places(
            times: ordered.map(\.atSeconds), values: ordered.map(\.deltaMs), limit: limit)
        try container.encode(kept.map { ordered[$0] })
    }
}
