// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct ProcessMetricsTests {
    @Test(arguments: [
        "(headwater)", "(a b) c (d)", "()", "(1 2 3 4\n5)", "(:-) 1 2 3)",
    ])
    func theStatusIsReadWhateverTheNameIs(name: String) throws {
        let text =
            "18243 \(name) R 18157 18157 30606 0 -1 4194304 101 0 0 0 7 8 0 0 20 0 12 0 1461901 3133440 382 "
            + "18446744073709551615 94047131148288 0 0\n"
        let status = try #require(ProcessStatus(stat: text))
        #expect(status.threads == 12)
        #expect(status.startTicks == 1_461_901)
        #expect(status.virtualBytes == 3_133_440)
        #expect(status.residentPages == 382)
    }

    @Test(arguments: ["", "1 (a", "1 (a) R 1", "1 (a) R 1 1 1 0 -1 0 0 0 0 0 7 8 0 0 20 0 x 0 1 2 3"])
    func otherTextsAreRefused(text: String) {
        #expect(ProcessStatus(stat: text) == nil)
    }

    @Test func theBootTimeIsALineOfItsOwn() {
        let text = "cpu 1 2\nintr 5 btime 7\nctxt 9\nbtime 1795351756\nprocesses 3\n"
        #expect(ProcessStatus.bootTime(stat: text) == 1_795_351_756)
        #expect(ProcessStatus.bootTime(stat: "cpu 1\nbtime x\n") == nil)
    }

    @Test func familiesHaveNoProblems() throws {
        #expect(ProcessMetrics.families.flatMap(\.problems) == [])
        try ProcessMetrics.register(in: MetricRegistry())
    }

    #if os(Linux)
        static func number(_ family: MetricFamily, in samples: [MetricFamilySamples]) -> Double? {
            switch samples.value(of: family) {
            case .unsigned(let value): Double(value)
            case .signed(let value): Double(value)
            case .floating(let value): value
            default: nil
            }
        }

        @Test func thisProcessLooksAsItShould() throws {
            let samples = ProcessMetrics().samples()
            #expect(samples.map(\.family.name).sorted() == ProcessMetrics.families.map(\.name).sorted())
            let processor = try #require(Self.number(ProcessMetrics.processorSeconds, in: samples))
            #expect(processor > 0 && processor < 100_000)
            let resident = try #require(Self.number(ProcessMetrics.residentMemory, in: samples))
            let virtual = try #require(Self.number(ProcessMetrics.virtualMemory, in: samples))
            #expect(resident > 1e6 && resident < virtual)
            let threads = try #require(Self.number(ProcessMetrics.threads, in: samples))
            #expect(threads >= 1)
            let started = try #require(Self.number(ProcessMetrics.startTime, in: samples))
            let now = Double(time(nil))
            #expect(started > now - 86_400 && started <= now + 2)
            let open = try #require(Self.number(ProcessMetrics.openDescriptors, in: samples))
            let maximum = try #require(Self.number(ProcessMetrics.maximumDescriptors, in: samples))
            #expect(open >= 3 && open <= maximum)
        }

        /// Other tests open and close files meanwhile: what must hold is a lower bound, and agreement at some moment.
        @Test func everyOpenDescriptorCounts() throws {
            let descriptors = (0..<200).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
            defer { for descriptor in descriptors { close(descriptor) } }
            try #require(descriptors.allSatisfy { $0 >= 0 })
            #expect(try #require(ProcessMetrics.openDescriptorCount()) >= 203)
            #expect(try #require(ProcessMetrics.listedDescriptorCount()) >= 203)
            let agree = (0..<1000).contains { _ in
                ProcessMetrics.openDescriptorCount() == ProcessMetrics.listedDescriptorCount()
            }
            #expect(agree)
        }
    #endif
}
