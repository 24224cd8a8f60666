// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The upper bounds of a histogram's buckets, each inclusive; the bucket above the last is always there.
///
/// Cells count in integers against integers: durations in nanoseconds, everything else as it is. The exposition shows
/// durations in seconds. Values below zero count as zero, so bounds are not negative.
public struct HistogramBounds: Sendable, Hashable {
    public enum Scale: Sendable, Hashable {
        /// Observed in nanoseconds, exposed in seconds.
        case nanoseconds
        /// Observed and exposed as it is.
        case plain

        var factor: Double {
            switch self {
            case .nanoseconds: 1e9
            case .plain: 1
            }
        }
    }

    public let scale: Scale
    /// As observed. Bounds that no integer can hold are zero, which ``areUsable`` then finds.
    public let observed: [Int64]
    /// As exposed.
    public let exposed: [Double]
    /// The values of the label `le`, with that of the last bucket, `+Inf`.
    let labels: [String]

    /// Bounds in seconds, of durations that are observed in nanoseconds.
    public static func seconds(_ bounds: [Double]) -> HistogramBounds {
        HistogramBounds(bounds, scale: .nanoseconds)
    }

    /// Bounds of numbers: bytes, requests, streams. Cells compare whole numbers, ``DynamicMetrics`` any.
    public static func plain(_ bounds: [Double]) -> HistogramBounds {
        HistogramBounds(bounds, scale: .plain)
    }

    private init(_ bounds: [Double], scale: Scale) {
        self.scale = scale
        observed = bounds.map { Int64(exactly: ($0 * scale.factor).rounded()) ?? 0 }
        exposed = bounds
        labels = (bounds + [.infinity]).map(MetricNumber.canonical)
    }

    /// More would be a mistake: each bound is a series.
    static let countLimit = 200

    /// A plain bound that is no whole number makes two bounds equal to cells at worst; that is found here too.
    var areUsable: Bool {
        guard let first = exposed.first, first >= 0, exposed.allSatisfy(\.isFinite) else { return false }
        guard exposed.count <= Self.countLimit else { return false }
        return zip(observed, observed.dropFirst()).allSatisfy { $0 < $1 }
            && zip(exposed, exposed.dropFirst()).allSatisfy { $0 < $1 }
    }
}
