// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

final class SpanFinishing: Workload {
    private let span: EndedSpan

    init() throws {
        let spans = try SampleTelemetry.make().tracer.makeBuffer()
        self.span = EndedSpan(
            try SampleSpans.template(spans), id: SpanID(7), start: SampleSpans.start, end: SampleSpans.start + 10_000,
            numbers: SampleSpans.numbers(0), link: SampleSpans.link)
        let finished = self.span.finished
        try expect(finished.attributes.count == 8 && finished.links.count == 1, "the span is \(finished)")
        try expect(finished.attributes[1].value == .string(SampleEvent.id), "its event is \(finished.attributes[1])")
    }

    func run(_ steps: Int) -> Int {
        var attributes = 0
        for _ in 0..<steps { attributes &+= self.span.finished.attributes.count }
        return attributes
    }
}
