// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite("The parameter heartbeat")
struct HeartbeatRequestTests {
    private func request(_ query: String?) throws -> HeartbeatRequest {
        try HeartbeatRequest(Query(query).all("heartbeat"))
    }

    @Test func withoutItTheOriginsOwnHeartbeatsAreComments() throws {
        let request = try request("channel=a")
        #expect(request.form == .comment)
        #expect(request.interval == nil)
    }

    @Test(arguments: [("off", 0), ("0.5", 500_000_000), ("30", 30_000_000_000), ("3600", 3_600_000_000_000)])
    func theIntervalIsTheStreamsOwn(value: String, nanoseconds: Int64) throws {
        #expect(try request("heartbeat=\(value)").interval == nanoseconds)
        #expect(try request("heartbeat=\(value)").form == .comment)
    }

    @Test func formAndIntervalGoTogetherInAnyOrder() throws {
        for query in ["heartbeat=event&heartbeat=7.5", "heartbeat=7.5&heartbeat=event"] {
            #expect(try request(query).form == .event)
            #expect(try request(query).interval == 7_500_000_000)
        }
    }

    @Test(arguments: ["0", "0.4", "-1", "3601", "nan", "inf", "1e99", "sometimes", "", "15s"])
    func whatIsNoIntervalIsRefusedWithTheBounds(value: String) throws {
        let error = try #require(throws: HeartbeatRequest.Invalid.self) { try request("heartbeat=\(value)") }
        #expect(error.detail.contains("0.5 to 3600"))
    }
}
