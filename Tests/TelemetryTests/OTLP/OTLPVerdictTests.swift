// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct OTLPVerdictTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT, in nanoseconds.
    private static let then: Int64 = 784_111_777 * 1_000_000_000

    private func verdict(_ result: OTLPSendResult) -> OTLPVerdict { OTLPVerdict(result, unix: Self.then) }

    private func isRetried(_ result: OTLPSendResult) -> Bool {
        if case .retryable = verdict(result) { true } else { false }
    }

    @Test func onlyFourCodesAreRetried() {
        for status in 100..<600 {
            #expect(isRetried(ScriptedCollector.status(status)) == [429, 502, 503, 504].contains(status), "\(status)")
        }
    }

    @Test func aConnectionThatWasLostIsRetriedAndATimeoutIsNot() {
        #expect(isRetried(.notConnected("refused")) && isRetried(.lostBeforeResponse("reset")))
        #expect(verdict(.timedOut) == .final(.timeout, cause: "no answer in time"))
    }

    @Test(arguments: [200, 202, 204, 299])
    func everyCodeOfSuccessDelivers(status: Int) {
        #expect(verdict(ScriptedCollector.status(status)) == .delivered(rejected: 0, message: ""))
    }

    @Test func partialSuccessIsRead() {
        #expect(
            verdict(ScriptedCollector.partial(rejected: 3, message: "full")) == .delivered(rejected: 3, message: "full")
        )
        #expect(verdict(ScriptedCollector.partial(rejected: 0)) == .delivered(rejected: 0, message: ""))
        #expect(
            verdict(ScriptedCollector.partial(rejected: 0, message: "hm")) == .delivered(rejected: 0, message: "hm"))
    }

    @Test func aBodyThatSaysNothingDoesNotUndoASuccess() {
        guard case .delivered(0, let message) = verdict(ScriptedCollector.status(200, body: Array("<html>".utf8)))
        else {
            Issue.record("not delivered")
            return
        }
        #expect(!message.isEmpty)
    }

    @Test func theMessageOfAnErrorIsKeptForTheLog() {
        // google.rpc.Status { code: 3, message: "bad" }
        let body: [UInt8] = [0x08, 3, 0x12, 3] + Array("bad".utf8)
        #expect(verdict(ScriptedCollector.status(400, body: body)) == .final(.refused, cause: "status 400: bad"))
        #expect(
            verdict(ScriptedCollector.status(400, body: Array("Bad Request".utf8)))
                == .final(.refused, cause: "status 400"))
    }

    @Test func anAnswerThatIsTooLargeIsFinalUnlessItsStatusIsNot() throws {
        let tooLarge = [UInt8](repeating: 0, count: OTLPRequest.responseLimit + 1)
        let bomb = try Gzip.compress(tooLarge)
        let gzip = [OTLPHeader("Content-Encoding", "gzip")]
        for result in [
            OTLPSendResult.tooLarge(status: 200), ScriptedCollector.status(200, body: tooLarge),
            ScriptedCollector.status(200, gzip, body: bomb),
        ] {
            guard case .final(.responseTooLarge, _) = verdict(result) else {
                Issue.record("\(verdict(result))")
                continue
            }
        }
        #expect(isRetried(.tooLarge(status: 503)) && isRetried(ScriptedCollector.status(429, gzip, body: bomb)))
    }

    @Test func aCompressedAnswerIsRead() throws {
        guard case .response(_, _, let body) = ScriptedCollector.partial(rejected: 9) else { return }
        let gzip = [OTLPHeader("content-encoding", "gzip")]
        let answer = ScriptedCollector.status(200, gzip, body: try Gzip.compress(body))
        #expect(verdict(answer) == .delivered(rejected: 9, message: ""))
        // What only claims to be gzip was taken all the same.
        guard case .delivered(0, _) = verdict(ScriptedCollector.status(200, gzip, body: body)) else {
            Issue.record("not delivered")
            return
        }
        #expect(verdict(ScriptedCollector.status(204, gzip)) == .delivered(rejected: 0, message: ""))
    }

    @Test(
        arguments: [
            ("0", 0), ("7", 7), (" 120 ", 120), ("99999999999999999999", 3_155_760_000),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Sunday, 06-Nov-94 08:50:37 GMT", 60), ("Sun Nov  6 08:50:37 1994", 60),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 86_400),
            ("-1", nil), ("1.5", nil), ("", nil), ("soon", nil), ("Sun, 06 Nov 1994 08:50:37", nil),
            ("Sun, 30 Feb 1994 08:50:37 GMT", nil), ("Sun, 06 Nov 1994 25:50:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:50:37 CET", nil), ("Sun, 06 Nov 1994 08:50 GMT", nil),
            ("Sun, 06 nov 1994 08:50:37 GMT", nil),
        ] as [(String, Int64?)])
    func retryAfterIsSecondsOrADate(value: String, seconds: Int64?) {
        let after = seconds.map { $0 * 1_000_000_000 }
        #expect(RetryAfter.delay(value, unix: Self.then) == after)
        let answer = ScriptedCollector.status(503, [OTLPHeader("Retry-After", value)])
        #expect(verdict(answer) == .retryable(cause: "status 503", after: after))
    }

    @Test func daysAndDatesAreInverse() {
        for day in stride(from: Int64(-200_000), through: 200_000, by: 97) {
            let date = UTCTime.date(day: day)
            #expect(UTCTime.day(year: date.year, month: date.month, day: date.day) == day)
        }
    }
}
