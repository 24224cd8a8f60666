// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Testing
import Transport

@testable import Probe

@Suite("What becomes of Last-Event-ID, heartbeats and heads")
struct DiagnoseResumeTests {
    typealias Build = DiagnoseEvidenceBuilder

    /// A witness from the beginning, a stream of 0.5 s, and one that comes back at 1.2 s with its first event `skipped`
    /// after the one that was had last.
    private func check(skipping skipped: Int, status: Int = 200, headers: HTTPHeaders = [:]) throws -> ResumeCheck {
        let left = Build.stream(.resume, age: 0.55)
        let back = Build.stream(
            .resume, attempt: 2, startingAt: 1.2, age: 2, firstID: 1 + left.samples.count + skipped - 12
        ) { $0.status = status }
        return ResumeCheck(try Build.evidence([Build.stream(.plain), left, back]))
    }

    @Test func goingOnAfterTheIDIsHonouringIt() throws {
        let check = try check(skipping: 0)
        #expect(check.verdict == .honoured)
        #expect(check.lost == 0)
    }

    @Test func goingOnLaterLosesEvents() throws {
        let check = try check(skipping: 3)
        #expect(check.verdict == .startedAnew)
        #expect(check.lost == 3)
    }

    @Test func goingOnEarlierRepeatsEvents() throws {
        let check = try check(skipping: -2)
        #expect(check.verdict == .replayed)
        #expect(check.duplicated == 2)
    }

    @Test func noContentIsTheEnd() throws {
        #expect(try check(skipping: 0, status: 204).verdict == .over)
        #expect(try check(skipping: 0, status: 503).verdict == .refused)
    }

    @Test func heartbeatsThatComeAsEventsOnlyAreSwallowed() throws {
        let events = Build.stream(.quietEvents, interval: 1)
        var beats = events
        for place in beats.samples.indices { beats.samples[place].type = "heartbeat" }
        let quiet = Build.stream(.quiet, interval: nil) { $0.comments = 1 }
        #expect(HeartbeatCheck(try Build.evidence([quiet, beats])).verdict == .swallowed)
        let heard = Build.stream(.quiet, interval: nil) { record in
            record.comments = 5
            record.commentTimes = (0..<5).map { 1_000_000_000_000 + Int64($0) * 1_000_000_000 }
        }
        let passed = HeartbeatCheck(try Build.evidence([heard, beats]))
        #expect(passed.verdict == .passed)
        #expect(passed.intervalMs == 1_000)
    }

    @Test func whatHeadwaterSendsAndDidNotComeWasRemoved() throws {
        let whole: HTTPHeaders = [
            "content-type": "text/event-stream", "cache-control": "no-cache, no-store, no-transform",
            "x-accel-buffering": "no", "incremental": "?1", "x-sse-connection": "1", "transfer-encoding": "chunked",
        ]
        func changes(_ headers: HTTPHeaders) throws -> [HeaderChange] {
            HeaderChange.all(try Build.evidence([Build.stream(.plain, headers: headers)]))
        }
        #expect(try changes(whole).isEmpty)
        var stripped = whole
        stripped.remove(name: "x-accel-buffering")
        stripped.replaceOrAdd(name: "cache-control", value: "no-cache")
        #expect(try changes(stripped).map(\.field) == ["Cache-Control", "X-Accel-Buffering"])
        #expect(try changes(stripped).map(\.kind) == [.changed, .removed])
        var sized = whole
        sized.remove(name: "transfer-encoding")
        #expect(try changes(sized).map(\.field) == ["Transfer-Encoding"])
        sized.add(name: "content-length", value: "9000")
        #expect(try changes(sized).map(\.field) == ["Content-Length"])
    }
}
