// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Origin

@Suite struct BeaconReportTests {
    @Test func reportIsReadInSeconds() throws {
        let text = #"{"path": "cdn-1", "lags_ms": [12.5, -0.3, 0], "offset_error_ms": 0.4}"#
        let report = try BeaconReport(ByteBuffer(string: text))
        #expect(report.path == "cdn-1")
        #expect(report.lags == [0.0125, 0, 0])
    }

    @Test func aReportWithoutAPathIsOfTheDirectOne() throws {
        #expect(try BeaconReport(ByteBuffer(string: #"{"lags_ms": [1]}"#)).path == "direct")
    }

    @Test(arguments: [
        ("", "Send JSON"),
        ("[]", "Send JSON"),
        (#"{"path": "cdn"}"#, "Send JSON"),
        (#"{"lags_ms": ["1"]}"#, "Send JSON"),
        (#"{"lags_ms": []}"#, "1 to 256"),
        (#"{"lags_ms": [1], "path": ""}"#, "path"),
        (#"{"lags_ms": [1], "path": "a b"}"#, "path"),
        (#"{"lags_ms": [-1]}"#, "offset_error_ms"),
        (#"{"lags_ms": [86400001]}"#, "86400000"),
        (#"{"lags_ms": [1], "offset_error_ms": -1}"#, "offset_error_ms"),
        (#"{"lags_ms": [1], "offset_error_ms": 10001}"#, "offset_error_ms"),
    ])
    func whatCannotBeTakenIsToldWithWhatToSend(body: String, words: String) {
        #expect {
            _ = try BeaconReport(ByteBuffer(string: body))
        } throws: { error in
            (error as? BeaconReport.Invalid)?.detail.contains(words) ?? false
        }
    }

    @Test func at256LagsAReportIsFull() throws {
        func body(_ count: Int) -> ByteBuffer {
            ByteBuffer(string: #"{"lags_ms": [\#([String](repeating: "1", count: count).joined(separator: ","))]}"#)
        }
        #expect(try BeaconReport(body(256)).lags.count == 256)
        #expect(throws: BeaconReport.Invalid.self) { try BeaconReport(body(257)) }
    }
}
