// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization
import Tracing

/// Lets users of swift-distributed-tracing in the same process report into our tracer: bootstrap the instrumentation
/// system with it. It is no second pipeline: sampler, limits, propagation and processor are the tracer's.
///
/// Its spans take a lock per change, as that API's semantics ask for; the origin's own spans do not come through here.
public struct TelemetryTracer: Tracing.Tracer {
    public typealias Span = TelemetrySpan

    private let tracer: Tracer

    public init(_ tracer: Tracer) { self.tracer = tracer }

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> InstrumentationContext,
        ofKind kind: Tracing.SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> TelemetrySpan {
        var context = context()
        let span = tracer.start(
            operationName, kind: SpanKind(kind), parent: context[SpanContextKey.self],
            at: Int64(clamping: instant().nanosecondsSinceEpoch))
        context[SpanContextKey.self] = span.context
        return TelemetrySpan(span, context: context, tracer: tracer)
    }

    /// Asks for everything submitted so far to be sent; the protocol has no way to wait for it.
    public func forceFlush() {
        let processor = tracer.processor
        Task { await processor.forceFlush() }
    }

    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout InstrumentationContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        func field(_ name: String) -> [String] { extractor.extract(key: name, from: carrier).map { [$0] } ?? [] }
        // An extractor joins repeated fields with commas, and a `traceparent` with a comma is invalid, as it should be.
        if let parent = tracer.propagation.extract(
            traceparent: field("traceparent"), tracestate: field("tracestate"))
        {
            context[SpanContextKey.self] = parent
        }
        let baggage = tracer.propagation.extract(baggage: field("baggage"))
        if !baggage.isEmpty { context[BaggageKey.self] = baggage }
    }

    public func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        let fields = tracer.propagation.inject(
            context[SpanContextKey.self], baggage: context[BaggageKey.self] ?? .empty)
        for (name, value) in fields { injector.inject(value, forKey: name, into: &carrier) }
    }
}

enum SpanContextKey: InstrumentationContextKey {
    typealias Value = SpanContext
    static var nameOverride: String? { "headwater-span" }
}

enum BaggageKey: InstrumentationContextKey {
    typealias Value = Baggage
    static var nameOverride: String? { "headwater-baggage" }
}

extension InstrumentationContext {
    /// The span that this context belongs to, for code that knows both APIs.
    public var spanContext: SpanContext? {
        get { self[SpanContextKey.self] }
        set { self[SpanContextKey.self] = newValue }
    }
}
