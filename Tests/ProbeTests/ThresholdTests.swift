// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Conditions under which the probe fails")
struct ThresholdTests {
    let measures = [
        Measure("p99", path: "direct", 4, .milliseconds), Measure("p99", path: "edge.example", 70, .milliseconds),
        Measure("p99.9", path: "direct", 9, .milliseconds), Measure("lost", path: "direct", 0, .count),
        Measure("mux_ratio", 20, .ratio), Measure("lifetime", 15, .seconds),
    ]

    @Test(arguments: [
        ("p99>50ms", false), ("p99 > 80 ms", true), ("direct.p99>50ms", true), ("edge.example.p99>50ms", false),
        ("p99.9>8ms", false), ("direct.p99.9>0.01s", true), ("lost>0", true), ("lost>=0", false),
        ("mux_ratio<10", true),
        ("p99>70000us", true), ("lifetime<20s", false), ("lifetime<10s", true), ("lost=0", false),
    ])
    func theConditionHoldsOnAnyPath(text: String, passes: Bool) throws {
        #expect(try Threshold(text).judge(measures).passed == passes)
    }

    @Test func aMeasureThatIsNotThereFails() throws {
        let verdict = try Threshold("p98>1ms").judge(measures)
        #expect(!verdict.passed)
        #expect(verdict.message.contains("there is no measure p98; there are lifetime, lost, mux_ratio, p99, p99.9"))
    }

    @Test(arguments: ["", "p99", "p99>", ">5", "p99>5fortnights", "p99>ms"])
    func whatIsNoConditionIsRejectedWithAnExample(text: String) {
        #expect(throws: Threshold.Invalid.self) { try Threshold(text) }
    }
}
