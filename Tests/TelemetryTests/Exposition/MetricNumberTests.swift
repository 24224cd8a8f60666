// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct MetricNumberTests {
    static func text(_ append: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        append(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-17, "-17"), (0.5, "0.5"), (1 / 3, "0.3333333333333333"), (1e-9, "1e-09"),
            (123_456_789.25, "123456789.25"), (999_999_999_999_999, "999999999999999"), (1e15, "1000000000000000.0"),
            (1e16, "1e+16"), (1.5e21, "1.5e+21"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
            (-.nan, "NaN"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
        ] as [(Double, String)])
    func valuesAreShortAndExact(number: Double, text: String) {
        #expect(Self.text { MetricNumber.append(number, to: &$0) } == text)
        if number.isFinite { #expect(Double(text) == number) }
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12_345_678_901, 9_999_999_999_999_999_999, UInt64.max])
    func wholeNumbers(number: UInt64) {
        #expect(Self.text { MetricNumber.append(number, to: &$0) } == String(number))
    }

    @Test(arguments: [Int64.min, -10, -1, 0, 1, .max])
    func wholeNumbersWithSign(number: Int64) {
        #expect(Self.text { MetricNumber.append(number, to: &$0) } == String(number))
    }

    /// OpenMetrics 1.0, "Canonical Numbers": from 1e-10 to 1e10, and some between.
    @Test(
        arguments: [
            (1e-10, "1e-10"), (1e-05, "1e-05"), (0.0001, "0.0001"), (0.001, "0.001"), (0.01, "0.01"), (0.1, "0.1"),
            (0, "0.0"), (1, "1.0"), (10, "10.0"), (100_000, "100000.0"), (999_999.5, "999999.5"), (1e6, "1e+06"),
            (1e10, "1e+10"), (123_456_789, "1.23456789e+08"), (1.5e100, "1.5e+100"), (1e16, "1e+16"),
            (2.5e15, "2.5e+15"),
            (1_234_567.5, "1.2345675e+06"), (-2_000_000, "-2e+06"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        ] as [(Double, String)])
    func boundsAreCanonical(bound: Double, text: String) {
        #expect(MetricNumber.canonical(bound) == text)
    }

    @Test func timesHaveMilliseconds() {
        #expect(Self.text { MetricNumber.append(seconds: 1_700_000_000_007_999_999, to: &$0) } == "1700000000.007")
        #expect(Self.text { MetricNumber.append(seconds: 0, to: &$0) } == "0.000")
        #expect(Self.text { MetricNumber.append(seconds: 12_345_000_000, to: &$0) } == "12.345")
    }

    @Test func hexadecimalHasSixteenDigits() {
        #expect(Self.text { MetricNumber.appendHex(0x0123_4567_89ab_cdef, to: &$0) } == "0123456789abcdef")
        #expect(Self.text { MetricNumber.appendHex(.max, to: &$0) } == "ffffffffffffffff")
    }
}
