// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COTLP

/// Spans to the protobuf body of an OTLP request, and the body of its answer back. The only file that knows COTLP.
///
/// No allocation per span or field: the C messages live in an arena that is reused, attribute names that are literals
/// are pointed to, and one buffer takes the bytes before they are compressed. One owner: the exporter's task.
struct OTLPEncoder: ~Copyable {
    private let resource: Resource
    private let scope: InstrumentationScope
    private var arena = OTLPArena()
    private var gzip: GzipCompressor?

    /// One request body.
    struct Body {
        /// Protobuf, or gzip of it.
        let bytes: [UInt8]
        let isGzip: Bool
        /// How many spans of the batch, from its start, are in it.
        let spans: Int
    }

    /// Without memory for zlib's state, requests go out uncompressed.
    init(resource: Resource, scope: InstrumentationScope, compression: OTLPCompression) {
        self.resource = resource
        self.scope = scope
        // Level 1: level 6 takes more than twice the time, and a span is 70 bytes then instead of 75.
        gzip = compression == .gzip ? try? GzipCompressor(level: .fastest) : nil
    }

    /// As many spans from the front of `batch` as fit into `limit` bytes of protobuf. Nil when not even the first
    /// does: it can never be sent.
    mutating func encode(_ batch: ArraySlice<FinishedSpan>, limit: Int) -> Body? {
        arena.reset()
        let messages = arena.take(UnsafeMutablePointer<Otlp__Span>?.self, count: max(batch.count, 1))
        var request = self.request(spans: messages)
        let envelope = otlp__export_trace_service_request__get_packed_size(request)
        // The lengths of request, resource spans and scope spans grow with the spans: five bytes each at most.
        var size = envelope + 3 * 5
        var count = 0
        for span in batch {
            let message = self.message(span)
            let length = otlp__span__get_packed_size(message)
            let framed = length + 1 + Self.varintLength(length)
            if size + framed > limit { break }
            size += framed
            messages[count] = message
            count += 1
        }
        guard count > 0 || batch.isEmpty else { return nil }
        request = self.request(spans: messages, count: count)
        return Body(request, capacity: size, spans: count, gzip: &gzip)
    }

    private static func varintLength(_ value: Int) -> Int {
        max(1, (Int.bitWidth - value.leadingZeroBitCount + 6) / 7)
    }
}

// MARK: Messages

extension OTLPEncoder {
    private typealias Request = Otlp__ExportTraceServiceRequest

    /// The request around the spans; without any, its size is the envelope's.
    private mutating func request(
        spans: UnsafeMutablePointer<UnsafeMutablePointer<Otlp__Span>?>,
        count: Int = 0
    ) -> UnsafeMutablePointer<Request> {
        let scope = arena.take(Otlp__InstrumentationScope.self)
        otlp__instrumentation_scope__init(scope)
        scope.pointee.name = bytes(self.scope.name)
        scope.pointee.version = bytes(self.scope.version)

        let scopeSpans = arena.take(Otlp__ScopeSpans.self)
        otlp__scope_spans__init(scopeSpans)
        scopeSpans.pointee.scope = scope
        scopeSpans.pointee.spans = spans
        scopeSpans.pointee.n_spans = count
        scopeSpans.pointee.schema_url = bytes(self.scope.schemaURL)

        let resource = arena.take(Otlp__Resource.self)
        otlp__resource__init(resource)
        (resource.pointee.attributes, resource.pointee.n_attributes) = attributes(self.resource.attributes)

        let resourceSpans = arena.take(Otlp__ResourceSpans.self)
        otlp__resource_spans__init(resourceSpans)
        resourceSpans.pointee.resource = resource
        resourceSpans.pointee.schema_url = bytes(self.resource.schemaURL)
        resourceSpans.pointee.scope_spans = pointer(to: scopeSpans)
        resourceSpans.pointee.n_scope_spans = 1

        let request = arena.take(Request.self)
        otlp__export_trace_service_request__init(request)
        request.pointee.resource_spans = pointer(to: resourceSpans)
        request.pointee.n_resource_spans = 1
        return request
    }

    private mutating func message(_ span: FinishedSpan) -> UnsafeMutablePointer<Otlp__Span> {
        let message = arena.take(Otlp__Span.self)
        otlp__span__init(message)
        let ids = self.ids(span.context, parent: span.parentID)
        message.pointee.trace_id = ProtobufCBinaryData(len: 16, data: ids)
        message.pointee.span_id = ProtobufCBinaryData(len: 8, data: ids + 16)
        if span.parentID != nil { message.pointee.parent_span_id = ProtobufCBinaryData(len: 8, data: ids + 24) }
        if !span.context.state.isEmpty { message.pointee.trace_state = bytes(span.context.state.text) }
        message.pointee.flags = Self.flags(span.context.flags, isRemote: span.parentIsRemote)
        message.pointee.name = bytes(span.name)
        message.pointee.kind = Otlp__Span__SpanKind(rawValue: Otlp__Span__SpanKind.RawValue(span.kind.rawValue))
        message.pointee.start_time_unix_nano = UInt64(max(0, span.start))
        message.pointee.end_time_unix_nano = UInt64(max(0, span.end))
        (message.pointee.attributes, message.pointee.n_attributes) = attributes(span.attributes)
        if !span.events.isEmpty {
            (message.pointee.events, message.pointee.n_events) = (events(span.events), span.events.count)
        }
        if !span.links.isEmpty {
            (message.pointee.links, message.pointee.n_links) = (links(span.links), span.links.count)
        }
        if span.dropped != SpanDrops() {
            message.pointee.dropped_attributes_count = UInt32(clamping: span.dropped.attributes)
            message.pointee.dropped_events_count = UInt32(clamping: span.dropped.events)
            message.pointee.dropped_links_count = UInt32(clamping: span.dropped.links)
        }
        if span.status != .unset { message.pointee.status = status(span.status) }
        return message
    }

    /// Bit 8 says that bit 9 means something: whether the parent, or the linked span, is in another process.
    private static func flags(_ flags: TraceFlags, isRemote: Bool) -> UInt32 {
        UInt32(flags.rawValue) | 0x100 | (isRemote ? 0x200 : 0)
    }

    private mutating func status(_ status: SpanStatus) -> UnsafeMutablePointer<Otlp__Status> {
        let message = arena.take(Otlp__Status.self)
        otlp__status__init(message)
        switch status {
        case .unset: message.pointee.code = OTLP__STATUS__STATUS_CODE__STATUS_CODE_UNSET
        case .ok: message.pointee.code = OTLP__STATUS__STATUS_CODE__STATUS_CODE_OK
        case .error(let text):
            message.pointee.code = OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR
            message.pointee.message = bytes(text)
        }
        return message
    }

    private mutating func events(
        _ events: [SpanEvent]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Otlp__Span__Event>?> {
        let pointers = arena.take(UnsafeMutablePointer<Otlp__Span__Event>?.self, count: events.count)
        for (index, event) in events.enumerated() {
            let message = arena.take(Otlp__Span__Event.self)
            otlp__span__event__init(message)
            message.pointee.time_unix_nano = UInt64(max(0, event.time))
            message.pointee.name = bytes(event.name)
            (message.pointee.attributes, message.pointee.n_attributes) = attributes(event.attributes)
            message.pointee.dropped_attributes_count = UInt32(clamping: event.droppedAttributes)
            pointers[index] = message
        }
        return pointers
    }

    private mutating func links(_ links: [SpanLink]) -> UnsafeMutablePointer<UnsafeMutablePointer<Otlp__Span__Link>?> {
        let pointers = arena.take(UnsafeMutablePointer<Otlp__Span__Link>?.self, count: links.count)
        for (index, link) in links.enumerated() {
            let message = arena.take(Otlp__Span__Link.self)
            otlp__span__link__init(message)
            let ids = self.ids(link.context, parent: nil)
            message.pointee.trace_id = ProtobufCBinaryData(len: 16, data: ids)
            message.pointee.span_id = ProtobufCBinaryData(len: 8, data: ids + 16)
            if !link.context.state.isEmpty { message.pointee.trace_state = bytes(link.context.state.text) }
            message.pointee.flags = Self.flags(link.context.flags, isRemote: link.context.isRemote)
            (message.pointee.attributes, message.pointee.n_attributes) = attributes(link.attributes)
            message.pointee.dropped_attributes_count = UInt32(clamping: link.droppedAttributes)
            pointers[index] = message
        }
        return pointers
    }

    private mutating func attributes(
        _ attributes: [Attribute]
    ) -> (UnsafeMutablePointer<UnsafeMutablePointer<Otlp__KeyValue>?>?, Int) {
        let count = attributes.count
        if count == 0 { return (nil, 0) }
        let pointers = arena.take(UnsafeMutablePointer<Otlp__KeyValue>?.self, count: count)
        let pairs = arena.take(Otlp__KeyValue.self, count: count)
        let values = arena.take(Otlp__AnyValue.self, count: count)
        for index in 0..<count {
            let pair = pairs + index
            let value = values + index
            otlp__key_value__init(pair)
            otlp__any_value__init(value)
            if let name = attributes[index].key.immortalBytes {
                // Read by the packing and never written; its type says otherwise for C.
                pair.pointee.key = ProtobufCBinaryData(
                    len: name.count, data: UnsafeMutablePointer(mutating: name.baseAddress))
            } else {
                pair.pointee.key = bytes(attributes[index].key.name)
            }
            fill(value, with: attributes[index].value)
            pair.pointee.value = value
            pointers[index] = pair
        }
        return (pointers, count)
    }

    private mutating func fill(_ message: UnsafeMutablePointer<Otlp__AnyValue>, with value: AttributeValue) {
        switch value {
        case .string(let text):
            message.pointee.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE
            message.pointee.string_value = bytes(text)
        case .int(let value):
            message.pointee.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE
            message.pointee.int_value = value
        case .double(let value):
            message.pointee.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE
            message.pointee.double_value = value
        case .bool(let value):
            message.pointee.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE
            message.pointee.bool_value = value ? 1 : 0
        case .strings(let values): fill(message, withArray: values.map(AttributeValue.string))
        case .ints(let values): fill(message, withArray: values.map(AttributeValue.int))
        case .doubles(let values): fill(message, withArray: values.map(AttributeValue.double))
        case .bools(let values): fill(message, withArray: values.map(AttributeValue.bool))
        }
    }

    private mutating func fill(_ message: UnsafeMutablePointer<Otlp__AnyValue>, withArray values: [AttributeValue]) {
        let array = arena.take(Otlp__ArrayValue.self)
        otlp__array_value__init(array)
        array.pointee.n_values = values.count
        let pointers = arena.take(UnsafeMutablePointer<Otlp__AnyValue>?.self, count: max(values.count, 1))
        for (index, value) in values.enumerated() {
            let element = arena.take(Otlp__AnyValue.self)
            otlp__any_value__init(element)
            fill(element, with: value)
            pointers[index] = element
        }
        array.pointee.values = pointers
        message.pointee.value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE
        message.pointee.array_value = array
    }

    /// Trace id, span id and parent id in the order of the wire.
    private mutating func ids(_ context: SpanContext, parent: SpanID?) -> UnsafeMutablePointer<UInt8> {
        let words = arena.take(UInt64.self, count: 4)
        words[0] = context.traceID.high.bigEndian
        words[1] = context.traceID.low.bigEndian
        words[2] = context.spanID.value.bigEndian
        words[3] = (parent?.value ?? 0).bigEndian
        return UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    private mutating func bytes(_ text: String) -> ProtobufCBinaryData {
        var text = text
        return text.withUTF8 { ProtobufCBinaryData(len: $0.count, data: arena.copy($0)) }
    }

    private mutating func pointer<Message>(
        to message: UnsafeMutablePointer<Message>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let pointer = arena.take(UnsafeMutablePointer<Message>?.self)
        pointer.initialize(to: message)
        return pointer
    }
}

extension OTLPEncoder.Body {
    /// - Parameter capacity: No less than the packed size.
    fileprivate init(
        _ request: UnsafeMutablePointer<Otlp__ExportTraceServiceRequest>,
        capacity: Int,
        spans: Int,
        gzip: inout GzipCompressor?
    ) {
        let plain = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            count = otlp__export_trace_service_request__pack(request, output.baseAddress)
        }
        // A batch that cannot be compressed is still a batch.
        let compressed = try? gzip?.compress(plain)
        self.init(bytes: compressed ?? plain, isGzip: compressed != nil, spans: spans)
    }
}

// MARK: Answers

extension OTLPEncoder {
    /// What a collector said about a request that it took.
    struct PartialSuccess: Hashable, Sendable {
        var rejectedSpans: Int64 = 0
        var message = ""
    }

    /// The partial success in the body of a 2xx answer; empty when there is none. Nil when the body is no such message.
    static func partialSuccess(_ body: [UInt8]) -> PartialSuccess? {
        guard let answer = otlp__export_trace_service_response__unpack(nil, body.count, body) else { return nil }
        defer { otlp__export_trace_service_response__free_unpacked(answer, nil) }
        guard let partial = answer.pointee.partial_success else { return PartialSuccess() }
        return PartialSuccess(
            rejectedSpans: partial.pointee.rejected_spans,
            message: Self.text(partial.pointee.error_message)
        )
    }

    /// The message of the `google.rpc.Status` in the body of any other answer; nil when it is none.
    static func statusMessage(_ body: [UInt8]) -> String? {
        guard let status = otlp__rpcstatus__unpack(nil, body.count, body) else { return nil }
        defer { otlp__rpcstatus__free_unpacked(status, nil) }
        return Self.text(status.pointee.message)
    }

    private static func text(_ bytes: ProtobufCBinaryData) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes.data, count: bytes.len), as: UTF8.self)
    }
}
