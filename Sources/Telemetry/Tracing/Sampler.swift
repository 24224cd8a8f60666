// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The six samplers of `OTEL_TRACES_SAMPLER` (OpenTelemetry, "Sampling"). A pure function of ids and parent.
public struct Sampler: Hashable, Sendable {
    /// What a trace without a parent gets.
    public enum Root: Hashable, Sendable {
        case alwaysOn
        case alwaysOff
        /// From 0 to 1.
        case traceIDRatio(Double)
    }

    public let root: Root
    /// Whether a parent's decision, local or remote, stands.
    public let isParentBased: Bool

    public init(root: Root, isParentBased: Bool) {
        if case .traceIDRatio(let ratio) = root {
            self.root = .traceIDRatio(min(max(ratio.isNaN ? 0 : ratio, 0), 1))
        } else {
            self.root = root
        }
        self.isParentBased = isParentBased
    }

    /// `parentbased_always_on`, the default.
    public static let standard = Sampler(root: .alwaysOn, isParentBased: true)

    /// One of the standard names with the argument that a ratio takes; nil for an unknown name.
    public init?(name: String, ratio: Double = 1) {
        let prefix = "parentbased_"
        let isParentBased = name.hasPrefix(prefix)
        switch isParentBased ? String(name.dropFirst(prefix.count)) : name {
        case "always_on": self.init(root: .alwaysOn, isParentBased: isParentBased)
        case "always_off": self.init(root: .alwaysOff, isParentBased: isParentBased)
        case "traceidratio": self.init(root: .traceIDRatio(ratio), isParentBased: isParentBased)
        default: return nil
        }
    }

    /// The standard name.
    public var name: String {
        let prefix = isParentBased ? "parentbased_" : ""
        switch root {
        case .alwaysOn: return prefix + "always_on"
        case .alwaysOff: return prefix + "always_off"
        case .traceIDRatio: return prefix + "traceidratio"
        }
    }

    public func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
        if isParentBased, let parent, parent.isValid { return parent.isSampled }
        switch root {
        case .alwaysOn: return true
        case .alwaysOff: return false
        case .traceIDRatio(let ratio):
            // The same 63 bits of the id against the same bound as in the Go, Java and .NET SDKs, so that services
            // of one trace with one ratio agree.
            return traceID.low >> 1 < UInt64(ratio * 0x1p63)
        }
    }
}
