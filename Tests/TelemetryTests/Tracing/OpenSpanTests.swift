// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct OpenSpanTests {
    private func open(isRecording: Bool = true, _ change: (inout SpanLimits) -> Void = { _ in }) -> OpenSpan {
        var limits = SpanLimits()
        change(&limits)
        return OpenSpan(SpanSamples.span(1), isRecording: isRecording, limits: limits)
    }

    private static let other = SpanContext(traceID: TraceID(high: 0, low: 2), spanID: SpanID(2))

    @Test func whatExceeds128IsDroppedAndCounted() {
        var span = open()
        for index in 0..<130 {
            span.set(AttributeKey("k\(index)"), index)
            span.addEvent("e\(index)", at: 0)
            span.addLink(Self.other)
        }
        let finished = span.finished(at: 2_000)
        #expect(finished.attributes.count == 128 && finished.attributes.last?.key.name == "k127")
        #expect(finished.events.count == 128 && finished.links.count == 128)
        #expect(finished.dropped == SpanDrops(attributes: 2, events: 2, links: 2))
        #expect(finished.end == 2_000)
    }

    @Test func aSecondValueReplacesTheFirstAlsoWhenTheSpanIsFull() {
        var span = open { $0.attributes = 2 }
        span.set("a", 1)
        span.set("b", 1)
        span.set(AttributeKey("a"), 2)
        span.set("c", 1)
        #expect(span.span.attributes == [Attribute("a", 2), Attribute("b", 1)])
        #expect(span.span.dropped.attributes == 1)
    }

    @Test func valuesAreCutToTheLengthLimitInScalars() {
        var span = open { $0.valueLength = 3 }
        span.set("a", "é\u{1F6F0}xyz")
        span.set("b", .strings(["abcd", "ab"]))
        span.set("c", 12_345)
        span.addEvent("e", at: 0, attributes: [Attribute("d", "abcd")])
        span.addLink(Self.other, attributes: [Attribute("d", "abcd")])
        #expect(span.span.attributes.map(\.value) == [.string("é\u{1F6F0}x"), .strings(["abc", "ab"]), .int(12_345)])
        #expect(span.span.events[0].attributes == [Attribute("d", "abc")])
        #expect(span.span.links[0].attributes == [Attribute("d", "abc")])
    }

    @Test func eventsAndLinksHaveLimitsOfTheirOwn() {
        var span = open {
            $0.attributesPerEvent = 1
            $0.attributesPerLink = 0
        }
        span.addEvent("e", at: 0, attributes: [Attribute("a", 1), Attribute("b", 1)])
        span.addLink(Self.other, attributes: [Attribute("a", 1)])
        #expect(span.span.events[0].attributes.count == 1 && span.span.events[0].droppedAttributes == 1)
        #expect(span.span.links[0].attributes.isEmpty && span.span.links[0].droppedAttributes == 1)
    }

    @Test func aSpanThatIsNotRecordedKeepsNothing() {
        var span = open(isRecording: false)
        span.set("a", 1)
        span.name = "other"
        span.addEvent("e", at: 0)
        span.addLink(Self.other)
        span.setStatus(.ok)
        #expect(span.span == SpanSamples.span(1))
    }

    @Test func statusGoesUpAndOkIsFinal() {
        var span = open()
        span.setStatus(.error("x"))
        span.setStatus(.unset)
        #expect(span.span.status == .error("x"))
        span.setStatus(.ok)
        span.setStatus(.error("y"))
        #expect(span.span.status == .ok)
    }

    @Test func anEndBeforeTheStartIsTheStart() {
        #expect(open().finished(at: 5).end == 1_000)
        var backwards = SpanSamples.span(1)
        backwards.end = 0
        #expect(backwards.duration == 0)
    }

    @Test func keysAreEqualByTheirBytesHoweverTheyAreStored() {
        let literal: AttributeKey = "http.route"
        #expect(literal == AttributeKey("http." + "route") && literal != "http.router" && literal != "http.routf")
        #expect(literal.hashValue == AttributeKey("http." + "route").hashValue)
        // A literal of one scalar has no address.
        let single: AttributeKey = "é"
        #expect(single.name == "é" && single == AttributeKey("é"))
    }
}
