// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Latencies counted in buckets of at most a thousandth of their value, in the layout of HdrHistogram
/// (https://github.com/HdrHistogram/HdrHistogram): three significant digits from a nanosecond to more than an hour, at
/// one addition per value and in 270 KB however many there are. It keeps no single value.
public struct LatencyHistogram: Sendable, Equatable {
    /// Every power of two above is cut into half as many buckets; below, a bucket is a nanosecond.
    private static let subBuckets = 2_048
    private static let half = subBuckets / 2
    /// Values are below 2 to the power of this, 73 minutes; larger ones count as the largest.
    private static let bits = 42
    private static let bucketCount = (bits - 11) * half + subBuckets

    private var counts = ContiguousArray<UInt64>(repeating: 0, count: bucketCount)
    public private(set) var count: UInt64 = 0
    /// Exact, in nanoseconds; `Int64.max` while empty.
    public private(set) var minimum = Int64.max
    /// Exact, in nanoseconds.
    public private(set) var maximum: Int64 = 0
    private var sum: Double = 0

    public init() {}

    /// - Parameter nanoseconds: below 0 counts as 0.
    @inline(__always)
    public mutating func record(_ nanoseconds: Int64) {
        let value = max(nanoseconds, 0)
        counts[Self.bucket(of: value)] &+= 1
        count &+= 1
        minimum = min(minimum, value)
        maximum = max(maximum, value)
        sum += Double(value)
    }

    @inline(__always)
    private static func bucket(of value: Int64) -> Int {
        let value = Int(min(value, 1 << Int64(bits) - 1))
        // So far shifted right, the value lies in the upper half of the sub-buckets, or in either without shift.
        let shift = max(0, 53 - value.leadingZeroBitCount)
        return shift * half + value >> shift
    }

    /// The largest value that falls into a bucket.
    private static func upperEdge(of bucket: Int) -> Int64 {
        guard bucket >= subBuckets else { return Int64(bucket) }
        let shift = bucket / half - 1
        return Int64((bucket - shift * half + 1) << shift - 1)
    }

    public mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        for bucket in Self.bucket(of: other.minimum)...Self.bucket(of: other.maximum) {
            counts[bucket] &+= other.counts[bucket]
        }
        count &+= other.count
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        sum += other.sum
    }

    /// Hands out what was counted and starts anew.
    public mutating func take() -> LatencyHistogram {
        let taken = self
        self = LatencyHistogram()
        return taken
    }

    /// In nanoseconds; 0 while empty.
    public var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// The smallest bucket edge that at least this share of the values does not exceed, as HdrHistogram defines it; at
    /// most a thousandth too large. In nanoseconds, 0 while empty.
    /// - Parameter percentile: 0 to 100.
    public func value(atPercentile percentile: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let wanted = max(1, UInt64((min(max(percentile, 0), 100) / 100 * Double(count)).rounded(.up)))
        var passed: UInt64 = 0
        for bucket in Self.bucket(of: minimum)...Self.bucket(of: maximum) {
            passed += counts[bucket]
            if passed >= wanted { return min(Self.upperEdge(of: bucket), maximum) }
        }
        return maximum
    }

    /// The curve of HdrHistogram's percentile files: steps that halve the rest, each cut in `ticks`; the last is 100.
    public func curve(ticks: Int = 4) -> [(percentile: Double, nanoseconds: Int64)] {
        guard count > 0 else { return [] }
        var points: [(percentile: Double, nanoseconds: Int64)] = []
        var rest = 100.0
        // Finer than one value there is nothing to see.
        while rest * Double(count) >= 100 {
            for tick in 0..<max(ticks, 1) {
                let percentile = 100 - rest + rest / 2 * Double(tick) / Double(max(ticks, 1))
                points.append((percentile, value(atPercentile: percentile)))
            }
            rest /= 2
        }
        points.append((100, maximum))
        return points
    }
}
