// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A span that has not ended: a value that its one owner changes and in the end gives to ``SpanBuffer/end(_:at:)``.
///
/// A span that is not recorded keeps its context, which children and outgoing headers need, and ignores the rest.
public struct OpenSpan: Sendable {
    public private(set) var span: FinishedSpan
    /// False when the sampler said no: nothing is kept, nothing is exported.
    public let isRecording: Bool
    let limits: SpanLimits

    init(_ span: FinishedSpan, isRecording: Bool, limits: SpanLimits) {
        self.span = span
        self.isRecording = isRecording
        self.limits = limits
    }

    public var context: SpanContext { span.context }

    public var name: String {
        get { span.name }
        set { if isRecording { span.name = newValue } }
    }

    /// Sets one attribute; a second value under the same name replaces the first.
    public mutating func set(_ key: AttributeKey, _ value: AttributeValue) {
        guard isRecording else { return }
        limits.add(
            Attribute(key, value), to: &span.attributes, limit: limits.attributes, dropped: &span.dropped.attributes)
    }

    public mutating func set(_ key: AttributeKey, _ value: String) { set(key, .string(value)) }
    public mutating func set(_ key: AttributeKey, _ value: Int) { set(key, .int(Int64(value))) }

    public mutating func set(_ attributes: [Attribute]) {
        for attribute in attributes { set(attribute.key, attribute.value) }
    }

    /// - Parameter time: Nanoseconds since the Unix epoch.
    public mutating func addEvent(_ name: String, at time: Int64, attributes: [Attribute] = []) {
        guard isRecording else { return }
        guard span.events.count < limits.events else {
            span.dropped.events += 1
            return
        }
        let (kept, dropped) = limits.limited(attributes, to: limits.attributesPerEvent)
        span.events.append(SpanEvent(name: name, time: time, attributes: kept, droppedAttributes: dropped))
    }

    /// A link to a context that names nothing is dropped without being counted.
    public mutating func addLink(_ context: SpanContext, attributes: [Attribute] = []) {
        guard isRecording, context.isValid else { return }
        guard span.links.count < limits.links else {
            span.dropped.links += 1
            return
        }
        let (kept, dropped) = limits.limited(attributes, to: limits.attributesPerLink)
        span.links.append(SpanLink(context: context, attributes: kept, droppedAttributes: dropped))
    }

    /// Counts links that the caller did not keep either, because there were too many.
    public mutating func noteDroppedLinks(_ count: Int) {
        if isRecording { span.dropped.links += count }
    }

    /// `ok` is final, and nothing goes back to `unset` (OpenTelemetry, "Set Status").
    public mutating func setStatus(_ status: SpanStatus) {
        guard isRecording, status != .unset, span.status != .ok else { return }
        span.status = status
    }

    /// Attributes as they stand, for adapters that read them back.
    mutating func replaceAttributes(_ attributes: [Attribute]) {
        guard isRecording else { return }
        span.attributes.removeAll(keepingCapacity: true)
        set(attributes)
    }

    /// - Parameter time: Nanoseconds since the Unix epoch; before the start it counts as the start.
    func finished(at time: Int64) -> FinishedSpan {
        var finished = span
        finished.end = max(time, span.start)
        return finished
    }
}
