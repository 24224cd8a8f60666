// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct SamplerTests {
    private static let id = TraceID(high: 1, low: 0x8000_0000_0000_0000)

    private func parent(_ flags: TraceFlags, isRemote: Bool = true) -> SpanContext {
        SpanContext(traceID: Self.id, spanID: SpanID(1), flags: flags, isRemote: isRemote)
    }

    @Test(arguments: [
        ("always_on", true, true, true), ("always_off", false, false, false),
        ("traceidratio", false, false, false),
        ("parentbased_always_on", true, true, false), ("parentbased_always_off", false, true, false),
        ("parentbased_traceidratio", false, true, false),
    ])
    func decides(name: String, root: Bool, underSampled: Bool, underUnsampled: Bool) throws {
        // The id is exactly in the middle, where a ratio of a half ends.
        let sampler = try #require(Sampler(name: name, ratio: 0.5))
        #expect(sampler.name == name)
        #expect(sampler.samples(Self.id, parent: nil) == root)
        for isRemote in [false, true] {
            #expect(sampler.samples(Self.id, parent: parent(.sampled, isRemote: isRemote)) == underSampled)
            #expect(sampler.samples(Self.id, parent: parent(.random, isRemote: isRemote)) == underUnsampled)
        }
    }

    @Test func theStandardSamplerIsParentBasedAlwaysOn() {
        #expect(Sampler.standard.name == "parentbased_always_on")
        #expect(Sampler(name: "sometimes") == nil && Sampler(name: "parentbased_") == nil)
    }

    @Test(
        arguments: [
            (0.0, 0, false), (1.0, UInt64.max, true),
            (0.5, 0x7FFF_FFFF_FFFF_FFFF, true), (0.5, 0x8000_0000_0000_0000, false),
            (0.25, 0x3FFF_FFFF_FFFF_FFFE, true), (0.25, 0x4000_0000_0000_0000, false), (2.0, UInt64.max, true),
            (-1.0, 0, false), (.nan, 0, false),
        ] as [(Double, UInt64, Bool)])
    func aRatioComparesTheLow63Bits(ratio: Double, low: UInt64, isSampled: Bool) {
        let sampler = Sampler(root: .traceIDRatio(ratio), isParentBased: false)
        #expect(sampler.samples(TraceID(high: 9, low: low), parent: nil) == isSampled)
    }

    @Test func aRatioTakesItsShareOfRandomIDs() {
        var ids = IDGenerator(seed: (1, 2, 3, 4))
        let sampler = Sampler(root: .traceIDRatio(0.1), isParentBased: true)
        let count = (0..<100_000).count { _ in sampler.samples(ids.traceID(), parent: nil) }
        #expect((9_600...10_400).contains(count))
    }

    @Test func idsAreDistinctAndValid() {
        var ids = IDGenerator()
        var seen: Set<TraceID> = []
        for _ in 0..<10_000 {
            let id = ids.traceID()
            #expect(id.isValid && seen.insert(id).inserted)
            #expect(TraceID(hex: id.hex) == id && id.hex.utf8.count == 32)
        }
        let span = ids.spanID()
        #expect(SpanID(hex: span.hex) == span)
        var zero = IDGenerator(seed: (0, 0, 0, 0))
        let two = [zero.spanID(), zero.spanID()]
        #expect(two[0] != two[1])
    }
}
