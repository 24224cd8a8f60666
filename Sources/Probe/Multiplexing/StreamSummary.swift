// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// One stream of many: what it was carried by and how it did.
public struct StreamSummary: Encodable, Sendable {
    public let path: String
    public let stream: Int
    /// Seconds from the start of the measurement to its request.
    public let openedSeconds: Double
    public let connection, request: Int?
    public let originConnection: String?
    public let originRequest: Int?
    public let ttfbMs: Double?
    public let events, lost, duplicated, reordered: Int
    /// Publish to arrival, where the origin's clock is known.
    public let latencyP50Ms, latencyP99Ms: Double?
    /// Median and mean absolute deviation of the time between events.
    public let jitterMedianMs, jitterMeanMs: Double?

    init(
        path: String,
        record: StreamRecord,
        samples: [EventSample],
        clock: ClockTrack,
        start: Int64,
        fields: OriginConnection.Fields
    ) {
        self.path = path
        stream = record.stream
        openedSeconds = (record.started - start).seconds
        connection = record.connection?.number
        request = record.connection?.request
        let origin = OriginConnection(record.headers, fields: fields)
        originConnection = origin?.id
        originRequest = origin?.request
        ttfbMs = record.timeToHead.milliseconds
        let order = StreamOrder(samples)
        events = samples.count
        lost = order.lost
        duplicated = order.duplicated
        reordered = order.reordered
        let latency = Distribution(samples.compactMap { clock.latency(of: $0).milliseconds })
        latencyP50Ms = latency?.median
        latencyP99Ms = latency?.percentile(99)
        let gaps = Distribution(order.gaps)
        jitterMedianMs = gaps?.medianAbsoluteDeviation
        jitterMeanMs = gaps?.meanAbsoluteDeviation
    }
}
