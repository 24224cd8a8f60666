// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization
import Tracing

/// A span of swift-distributed-tracing around one of ours. Any thread may change it until it has ended; then no more.
public final class TelemetrySpan: Tracing.Span {
    private struct State {
        var span: OpenSpan
        var hasEnded = false
    }

    private let state: Mutex<State>
    private let tracer: Tracer
    public let context: InstrumentationContext

    init(_ span: OpenSpan, context: InstrumentationContext, tracer: Tracer) {
        state = Mutex(State(span: span))
        self.context = context
        self.tracer = tracer
    }

    public var operationName: String {
        get { state.withLock { $0.span.name } }
        set { change { $0.name = newValue } }
    }

    public var attributes: SpanAttributes {
        get {
            let attributes = state.withLock { $0.span.span.attributes }
            var result: SpanAttributes = [:]
            for attribute in attributes { result.set(attribute.key.name, value: attribute.value.spanAttribute) }
            return result
        }
        set {
            // A dictionary has no order; names in order make spans comparable.
            let attributes = newValue.sorted
            change { $0.replaceAttributes(attributes) }
        }
    }

    public var isRecording: Bool { state.withLock { $0.span.isRecording && !$0.hasEnded } }

    public func setStatus(_ status: Tracing.SpanStatus) {
        switch status.code {
        case .ok: change { $0.setStatus(.ok) }
        case .error: change { $0.setStatus(.error(status.message ?? "")) }
        }
    }

    public func addEvent(_ event: Tracing.SpanEvent) {
        let attributes = event.attributes.sorted
        change {
            $0.addEvent(event.name, at: Int64(clamping: event.nanosecondsSinceEpoch), attributes: attributes)
        }
    }

    /// An `exception` event, as the conventions for exceptions have it. The status is the caller's to set.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        let time = Int64(clamping: instant().nanosecondsSinceEpoch)
        let all =
            [
                Attribute("exception.type", String(reflecting: type(of: error))),
                Attribute("exception.message", String(describing: error)),
            ] + attributes.sorted
        change { $0.addEvent("exception", at: time, attributes: all) }
    }

    public func addLink(_ link: Tracing.SpanLink) {
        guard let linked = link.context[SpanContextKey.self] else { return }
        let attributes = link.attributes.sorted
        change { $0.addLink(linked, attributes: attributes) }
    }

    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let time = Int64(clamping: instant().nanosecondsSinceEpoch)
        let ended = state.withLock { state -> OpenSpan? in
            if state.hasEnded { return nil }
            state.hasEnded = true
            return state.span
        }
        if let ended { tracer.end(ended, at: time) }
    }

    private func change(_ body: (inout OpenSpan) -> Void) {
        state.withLock { state in
            if !state.hasEnded { body(&state.span) }
        }
    }
}

extension SpanKind {
    init(_ kind: Tracing.SpanKind) {
        switch kind {
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        case .internal: self = .internal
        }
    }
}

extension SpanAttributes {
    fileprivate var sorted: [Attribute] {
        var attributes: [Attribute] = []
        forEach { name, value in
            if let value = AttributeValue(value) { attributes.append(Attribute(AttributeKey(name), value)) }
        }
        return attributes.sorted { $0.key.name < $1.key.name }
    }
}

extension AttributeValue {
    /// Nil for a kind of value that does not exist yet.
    init?(_ attribute: SpanAttribute) {
        switch attribute {
        case .int32(let value): self = .int(Int64(value))
        case .int64(let value): self = .int(value)
        case .int32Array(let values): self = .ints(values.map(Int64.init))
        case .int64Array(let values): self = .ints(values)
        case .double(let value): self = .double(value)
        case .doubleArray(let values): self = .doubles(values)
        case .bool(let value): self = .bool(value)
        case .boolArray(let values): self = .bools(values)
        case .string(let value): self = .string(value)
        case .stringArray(let values): self = .strings(values)
        case .stringConvertible(let value): self = .string(value.description)
        case .stringConvertibleArray(let values): self = .strings(values.map(\.description))
        default: return nil
        }
    }

    fileprivate var spanAttribute: SpanAttribute {
        switch self {
        case .string(let value): .string(value)
        case .int(let value): .int64(value)
        case .double(let value): .double(value)
        case .bool(let value): .bool(value)
        case .strings(let values): .stringArray(values)
        case .ints(let values): .int64Array(values)
        case .doubles(let values): .doubleArray(values)
        case .bools(let values): .boolArray(values)
        }
    }
}
