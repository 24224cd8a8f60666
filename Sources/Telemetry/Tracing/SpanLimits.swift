// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How much a span may carry: `OTEL_SPAN_*_LIMIT` and `OTEL_ATTRIBUTE_*_LIMIT`, with OpenTelemetry's defaults.
///
/// What exceeds a limit is dropped and counted in the span; the first ones stay.
public struct SpanLimits: Hashable, Sendable {
    public var attributes = 128
    public var events = 128
    public var links = 128
    public var attributesPerEvent = 128
    public var attributesPerLink = 128
    /// Unicode scalars in a string value; nil for no limit.
    public var valueLength: Int?

    public init() {}

    /// Appends what fits and says how many did not. A name that is there already gets the new value and no new place.
    func add(_ attribute: Attribute, to attributes: inout [Attribute], limit: Int, dropped: inout Int) {
        let value = valueLength.map { attribute.value.limited(to: $0) } ?? attribute.value
        if let index = attributes.firstIndex(where: { $0.key == attribute.key }) {
            attributes[index].value = value
        } else if attributes.count < limit {
            attributes.append(Attribute(attribute.key, value))
        } else {
            dropped += 1
        }
    }

    /// The attributes of an event or a link, cut to its limits.
    func limited(_ attributes: [Attribute], to limit: Int) -> (attributes: [Attribute], dropped: Int) {
        if attributes.count <= limit, valueLength == nil { return (attributes, 0) }
        var kept = Array(attributes.prefix(limit))
        if let valueLength {
            for index in kept.indices { kept[index].value = kept[index].value.limited(to: valueLength) }
        }
        return (kept, attributes.count - kept.count)
    }
}
