// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Spans in the JSON form of OTLP, for `/debug/traces` and for tools that read it: ids in hexadecimal, 64-bit integers
/// as strings, enums as numbers, names in lowerCamelCase (OTLP specification, "JSON Protobuf Encoding").
public enum OTLPJSON {
    /// A `TracesData` message with one resource and one scope.
    public static func text(
        _ spans: [FinishedSpan],
        resource: Resource,
        scope: InstrumentationScope
    ) -> String {
        var json = JSONText()
        json.object { json in
            json.array("resourceSpans") { json in
                json.object { json in
                    json.object("resource") { Self.attributes(resource.attributes, to: &$0) }
                    json.array("scopeSpans") { json in
                        json.object { json in
                            json.object("scope") { json in
                                json.member("name", scope.name)
                                json.member("version", scope.version)
                            }
                            json.array("spans") { json in
                                for span in spans { Self.span(span, to: &json) }
                            }
                            json.member("schemaUrl", scope.schemaURL)
                        }
                    }
                    json.member("schemaUrl", resource.schemaURL)
                }
            }
        }
        return json.text
    }

    /// The list of traces: `{"traces":[{"traceId","rootName","startTimeUnixNano","durationNano","spans",…}]}`.
    public static func list(_ summaries: [TraceSummary]) -> String {
        var json = JSONText()
        json.object { json in
            json.array("traces") { json in
                for summary in summaries {
                    json.object { json in
                        json.member("traceId", summary.traceID.hex)
                        if let name = summary.rootName { json.member("rootName", name) }
                        json.member("startTimeUnixNano", "\(summary.start)")
                        json.member("durationNano", "\(summary.duration)")
                        json.member("spans", number: summary.spanCount)
                        json.member("droppedSpans", number: summary.droppedSpans)
                        json.member("hasError", summary.hasError)
                    }
                }
            }
        }
        return json.text
    }

    private static func span(_ span: FinishedSpan, to json: inout JSONText) {
        json.object { json in
            json.member("traceId", span.context.traceID.hex)
            json.member("spanId", span.context.spanID.hex)
            if !span.context.state.isEmpty { json.member("traceState", span.context.state.text) }
            if let parent = span.parentID { json.member("parentSpanId", parent.hex) }
            json.member("flags", number: flags(span.context.flags, isRemote: span.parentIsRemote))
            json.member("name", span.name)
            json.member("kind", number: Int(span.kind.rawValue))
            json.member("startTimeUnixNano", "\(max(0, span.start))")
            json.member("endTimeUnixNano", "\(max(0, span.end))")
            attributes(span.attributes, to: &json)
            count("droppedAttributesCount", span.dropped.attributes, to: &json)
            if !span.events.isEmpty {
                json.array("events") { json in
                    for event in span.events { Self.event(event, to: &json) }
                }
            }
            count("droppedEventsCount", span.dropped.events, to: &json)
            if !span.links.isEmpty {
                json.array("links") { json in
                    for link in span.links { Self.link(link, to: &json) }
                }
            }
            count("droppedLinksCount", span.dropped.links, to: &json)
            json.object("status") { json in
                switch span.status {
                case .unset: break
                case .ok: json.member("code", number: 1)
                case .error(let message):
                    if !message.isEmpty { json.member("message", message) }
                    json.member("code", number: 2)
                }
            }
        }
    }

    private static func event(_ event: SpanEvent, to json: inout JSONText) {
        json.object { json in
            json.member("timeUnixNano", "\(max(0, event.time))")
            json.member("name", event.name)
            attributes(event.attributes, to: &json)
            count("droppedAttributesCount", event.droppedAttributes, to: &json)
        }
    }

    private static func link(_ link: SpanLink, to json: inout JSONText) {
        json.object { json in
            json.member("traceId", link.context.traceID.hex)
            json.member("spanId", link.context.spanID.hex)
            if !link.context.state.isEmpty { json.member("traceState", link.context.state.text) }
            attributes(link.attributes, to: &json)
            count("droppedAttributesCount", link.droppedAttributes, to: &json)
            json.member("flags", number: flags(link.context.flags, isRemote: link.context.isRemote))
        }
    }

    private static func flags(_ flags: TraceFlags, isRemote: Bool) -> Int {
        Int(flags.rawValue) | 0x100 | (isRemote ? 0x200 : 0)
    }

    private static func count(_ name: StaticString, _ value: Int, to json: inout JSONText) {
        if value > 0 { json.member(name, number: value) }
    }

    private static func attributes(_ attributes: [Attribute], to json: inout JSONText) {
        if attributes.isEmpty { return }
        json.array("attributes") { json in
            for attribute in attributes {
                json.object { json in
                    json.member("key", attribute.key.name)
                    json.object("value") { value(attribute.value, to: &$0) }
                }
            }
        }
    }

    private static func value(_ value: AttributeValue, to json: inout JSONText) {
        switch value {
        case .string(let text): json.member("stringValue", text)
        case .int(let value): json.member("intValue", "\(value)")
        case .double(let value): json.member("doubleValue", number: value)
        case .bool(let value): json.member("boolValue", value)
        case .strings(let values): array(values.map(AttributeValue.string), to: &json)
        case .ints(let values): array(values.map(AttributeValue.int), to: &json)
        case .doubles(let values): array(values.map(AttributeValue.double), to: &json)
        case .bools(let values): array(values.map(AttributeValue.bool), to: &json)
        }
    }

    private static func array(_ values: [AttributeValue], to json: inout JSONText) {
        json.object("arrayValue") { json in
            json.array("values") { json in
                for value in values { json.object { Self.value(value, to: &$0) } }
            }
        }
    }
}
