// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Which headers carry trace context into and out of the process: `OTEL_PROPAGATORS`.
public struct Propagation: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `traceparent` and `tracestate`.
    public static let traceContext = Propagation(rawValue: 1)
    /// `baggage`.
    public static let baggage = Propagation(rawValue: 2)

    /// The default of the OpenTelemetry environment variable.
    public static let standard: Propagation = [.traceContext, .baggage]

    /// The remote parent of a request, from the values of its fields; nil starts a new trace.
    public func extract(
        traceparent: some Collection<some StringProtocol>,
        tracestate: some Sequence<some StringProtocol>
    ) -> SpanContext? {
        contains(.traceContext) ? Traceparent.context(traceparent: traceparent, tracestate: tracestate) : nil
    }

    /// The baggage of a request, from the values of its `baggage` fields.
    public func extract(baggage: some Sequence<some StringProtocol>) -> Baggage {
        contains(.baggage) ? Baggage(headers: baggage) : .empty
    }

    /// The fields for an outgoing message, in a fixed order, names in lowercase.
    public func inject(_ context: SpanContext?, baggage: Baggage = .empty) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if contains(.traceContext), let context, context.isValid {
            fields.append(("traceparent", Traceparent.text(context)))
            if !context.state.isEmpty { fields.append(("tracestate", context.state.text)) }
        }
        if contains(.baggage), let text = baggage.text { fields.append(("baggage", text)) }
        return fields
    }
}
