// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

final class SpanRecording: Workload {
    private let tracer: Tracer
    /// Unchecked: a shard pays for one check and so for a run of spans, not for each.
    @exclusivity(unchecked) private var spans: SpanBuffer
    private let template: SpanTemplate
    private let link = SampleSpans.link
    private var now: Int64 = 0

    init() throws {
        self.tracer = try SampleTelemetry.make().tracer
        let spans = self.tracer.makeBuffer()
        self.template = try SampleSpans.template(spans)
        self.spans = spans
        let kept = self.run(2)
        try expect(kept == 2 && self.spans.count == 2, "\(kept) spans were kept")
        self.spans.flush()
        let found = self.tracer.processor.recorder?.spans(of: SampleSpans.parent.traceID) ?? []
        try expect(found.count == 2 && found[0].attributes.count == 8, "the recorder has \(found)")
    }

    /// Empties the recorder's inbox, as its task does.
    func prepare(_ steps: Int) throws { self.tracer.processor.recorder?.absorb() }

    func run(_ steps: Int) -> Int {
        var kept = 0
        for step in 0..<steps {
            self.now += 1_000_000
            let start = SampleSpans.start + self.now
            kept &+= self.spans.record(
                1, numbers: SampleSpans.numbers(step), start: start, end: start + 10_000, monotonic: self.now,
                link: self.link
            ) { _ in .passUnretained(self.template) }
        }
        return kept
    }
}
