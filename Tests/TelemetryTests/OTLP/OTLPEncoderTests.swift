// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

/// What the encoder writes, against a file that `test_otlp_encoding.py` decodes with OpenTelemetry's own classes and
/// compares field for field: this test holds our bytes to the file, that one the file to the protocol.
@Suite struct OTLPEncoderTests {
    private func encoder(_ compression: OTLPCompression = .none) -> OTLPEncoder {
        OTLPEncoder(resource: SpanSamples.resource, scope: SpanSamples.scope, compression: compression)
    }

    private func encode(
        _ encoder: inout OTLPEncoder, _ spans: ArraySlice<FinishedSpan>, limit: Int
    ) throws -> OTLPEncoder.Body {
        let body = encoder.encode(spans, limit: limit)
        return try #require(body)
    }

    @Test func everyFieldIsWhereTheOracleReadsIt() throws {
        var encoder = encoder()
        let body = try encode(&encoder, SpanSamples.everything[...], limit: .max >> 1)
        #expect(body.spans == 3 && !body.isGzip)
        #expect(body.bytes == (try OracleFile.bytes("otlp_batch.bin", current: body.bytes)))
    }

    @Test func gzipHoldsTheSameBytesAndTheEncoderCanBeReused() throws {
        var plain = encoder()
        var gzip = encoder(.gzip)
        for _ in 0..<3 {
            let expected = try encode(&plain, SpanSamples.everything[...], limit: 1 << 20)
            let body = try encode(&gzip, SpanSamples.everything[...], limit: 1 << 20)
            #expect(body.isGzip)
            #expect(try Gzip.decompress(body.bytes, limit: 1 << 20) == expected.bytes)
        }
    }

    @Test(arguments: [400, 500, 1000, 4000, 100_000])
    func aRequestNeverExceedsItsLimitAndNoSpanIsLost(limit: Int) throws {
        var encoder = encoder()
        var rest = SpanSamples.spans(1..<300)[...]
        var requests = 0
        while !rest.isEmpty {
            let body = try encode(&encoder, rest, limit: limit)
            #expect(body.bytes.count <= limit && body.spans > 0)
            rest = rest.dropFirst(body.spans)
            requests += 1
        }
        #expect(requests > 1 || limit == 100_000)
    }

    @Test func aSpanThatCannotFitIsRefused() {
        var encoder = encoder()
        let refused = encoder.encode(SpanSamples.spans(1..<3)[...], limit: 100) == nil
        #expect(refused)
    }

    /// More messages than one chunk of the arena holds.
    @Test func aLargeBatchIsWhole() throws {
        var encoder = encoder()
        let spans = (0..<20_000).map { index in
            var span = SpanSamples.span(UInt64(index) + 1)
            span.attributes = (0..<10).map { Attribute("some.attribute", "value \($0) of \(index)") }
            return span
        }
        let once = try encode(&encoder, spans[...], limit: 64 << 20)
        #expect(once.spans == 20_000)
        let again = try encode(&encoder, spans[...], limit: 64 << 20)
        #expect(once.bytes == again.bytes)
    }

    @Test func answersThatAreNoneAreNil() {
        #expect(OTLPEncoder.partialSuccess([]) == OTLPEncoder.PartialSuccess())
        #expect(OTLPEncoder.partialSuccess([0x0A, 0]) == OTLPEncoder.PartialSuccess())
        #expect(OTLPEncoder.partialSuccess([0x0A, 200]) == nil)
        #expect(OTLPEncoder.statusMessage(Array("nope".utf8)) == nil)
        // Fields that do not exist yet are skipped, and text that is no UTF-8 is made so.
        #expect(OTLPEncoder.partialSuccess([0x0A, 3, 0x12, 1, 0xFF, 0x78, 1])?.message == "\u{FFFD}")
    }
}
