// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

final class SpanEncoding: Workload {
    @exclusivity(unchecked) private var encoder: OTLPEncoder
    private let batch: [FinishedSpan]

    init(_ compression: OTLPCompression) throws {
        self.encoder = OTLPEncoder(
            resource: SampleTelemetry.resource, scope: SampleTelemetry.scope, compression: compression)
        let spans = try SampleTelemetry.make().tracer.makeBuffer()
        let template = try SampleSpans.template(spans)
        var ids = IDGenerator(seed: (1, 2, 3, 4))
        self.batch = (0..<512).map { step in
            let start = SampleSpans.start + Int64(step) * 1_000_000
            var span = EndedSpan(
                template, id: ids.spanID(), start: start, end: start + 10_000 + Int64(step),
                numbers: SampleSpans.numbers(step), link: nil
            ).finished
            span.attributes += [
                Attribute("server.address", "events.example.com"), Attribute("network.protocol.version", "2"),
            ]
            return span
        }
        try expect(self.batch.allSatisfy { $0.attributes.count == 10 }, "the spans have not 10 attributes")
        var plain = OTLPEncoder(resource: SampleTelemetry.resource, scope: SampleTelemetry.scope, compression: .none)
        let expected = plain.encode(self.batch[...], limit: OTLPRequest.requestLimit)
        let body = self.encoder.encode(self.batch[...], limit: OTLPRequest.requestLimit)
        guard let expected, let body else { throw WorkloadError("nothing was encoded") }
        try expect(body.spans == 512 && body.isGzip == (compression == .gzip), "the body has \(body.spans) spans")
        let bytes = body.isGzip ? try Gzip.decompress(body.bytes, limit: expected.bytes.count) : body.bytes
        try expect(bytes == expected.bytes && bytes.count > 512 * 250, "the body has \(bytes.count) bytes")
    }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            guard let body = self.encoder.encode(self.batch[...], limit: OTLPRequest.requestLimit) else { return -1 }
            bytes &+= body.bytes.count
        }
        return bytes
    }
}
