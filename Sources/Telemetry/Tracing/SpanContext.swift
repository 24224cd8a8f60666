// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a span passes on to its children, within the process and across it (W3C Trace Context).
public struct SpanContext: Hashable, Sendable {
    public var traceID: TraceID
    public var spanID: SpanID
    public var flags: TraceFlags
    /// What other vendors carry along; passed on and never read.
    public var state: TraceState
    /// Whether it came from another process, in a header.
    public var isRemote: Bool

    public init(
        traceID: TraceID,
        spanID: SpanID,
        flags: TraceFlags = .sampled,
        state: TraceState = .empty,
        isRemote: Bool = false
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.state = state
        self.isRemote = isRemote
    }

    public var isSampled: Bool { flags.contains(.sampled) }
    public var isValid: Bool { traceID.isValid && spanID.isValid }
}

/// The eight flags of a `traceparent` (section 3.2.2.5, and level 2 for the second).
public struct TraceFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The caller may have recorded this trace, and we do.
    public static let sampled = TraceFlags(rawValue: 1)
    /// The low seven bytes of the trace id are random (level 2, section 3.2.2.5.2).
    public static let random = TraceFlags(rawValue: 2)
}
