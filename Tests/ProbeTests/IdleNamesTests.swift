// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Testing
import Transport

@testable import Probe

@Suite("What timers are called, and what is done about them")
struct IdleNamesTests {
    @Test(arguments: [(60.0, 25.0), (30, 12), (10, 4), (125, 30), (100, 30), (6, 2), (15, 6), (1, 0.3)])
    func aHeartbeatIsBelowHalfOfTheTimeout(timeout: Double, heartbeat: Double) {
        #expect(HeartbeatAdvice.seconds(below: timeout) == heartbeat)
        #expect(heartbeat < timeout / 2)
    }

    @Test func withoutATimerTheHeartbeatIsCareful() {
        #expect(HeartbeatAdvice.seconds(withoutTimerUpTo: 355) == 15)
        #expect(HeartbeatAdvice.seconds(withoutTimerUpTo: 12) == 5)
        #expect(HeartbeatAdvice.seconds(withoutTimerUpTo: 0.1) == nil)
    }

    @Test(arguments: [
        (["server": "nginx/1.22.1"], [Intermediary.nginx]),
        (["via": "1.1 varnish (Varnish/7.1)", "x-varnish": "3"], [.varnish]),
        (["server": "envoy"], [.envoy]), (["server": "ATS/9.2.5"], [.trafficServer]),
        (["via": "1.1 varnish", "x-served-by": "cache-fra-1"], [.fastly]), (["server": "cloudflare"], [.cloudflare]),
        (["via": "2.0 nghttpx"], [.nghttpx]), (["via": "1.1 Caddy", "server": "nginx"], [.nginx, .caddy]),
        (["content-type": "text/event-stream"], []),
    ])
    func hopsAreKnownByWhatTheyLeaveInAResponse(fields: [String: String], hops: [Intermediary]) {
        #expect(Intermediary.sightings(in: HTTPHeaders(fields.map { ($0.key, $0.value) })).map(\.name) == hops)
    }

    @Test func aHopThatDoesNotNameItselfIsGuessedByItsDefault() {
        let found = TimerSetting.candidates(.idle, seconds: 60.01, hops: [], cuts: [.closed])
        #expect(found.first?.setting == "timeout server")
        #expect(found.contains { $0.setting == "proxy_read_timeout" })
        #expect(TimerSetting.candidates(.lifetime, seconds: 15, hops: [], cuts: [.closed]).map(\.hop) == ["Envoy"])
    }

    @Test func httpdIsKnownByThePageItWritesAndByItsGoAway() {
        let timeUp = StreamCut.goAway(HTTP2ErrorCode(rawValue: 70_007))
        for cut in [StreamCut.page, timeUp] {
            let found = TimerSetting.candidates(.idle, seconds: 60, hops: [.nginx], cuts: [cut])
            #expect(found.map(\.hop) == ["Apache httpd"])
        }
    }

    @Test func everySettingHasANameAndAPlausibleDefault() {
        for hop in Intermediary.allCases {
            for setting in TimerSetting.of(hop, .idle) + TimerSetting.of(hop, .lifetime) {
                #expect(!setting.setting.isEmpty)
                #expect((setting.defaultSeconds ?? 1) >= 1)
            }
        }
    }

    @Test(arguments: [
        ("/events?interval=100&path=edge", "/channels/probe-idle-r-3/events?heartbeat=off&path=edge"),
        ("/base/channels/a/events", "/base/channels/probe-idle-r-3/events?heartbeat=off"),
        ("/channels/events?channel=a&channel=b&token=x", "/channels/probe-idle-r-3/events?heartbeat=off&token=x"),
    ])
    func anOriginOfOursIsAskedForQuietStreamsBesideTheOneThatWasNamed(path: String, quiet: String) throws {
        let streams = try #require(HeadwaterStreams(path: path, run: "r"))
        #expect(streams.path(.quiet, number: 3) == quiet)
    }

    @Test func cadencesAreAskedForAsHeartbeatsAndTheQuickestAsEvents() throws {
        let streams = try #require(HeadwaterStreams(path: "/events", run: "r"))
        #expect(streams.path(.beating(5.5), number: 1) == "/channels/probe-idle-r-1/events?heartbeat=5.5")
        #expect(streams.path(.beating(0.25), number: 2) == "/events?interval=250&size=64&seed=2")
    }

    @Test(arguments: ["/stream", "/events/", "/", "/channels/a"])
    func aPathThatIsNotTheOriginsIsHeldAsItIs(path: String) {
        #expect(HeadwaterStreams(path: path, run: "r") == nil)
    }

    @Test func howAStreamEndedIsKeptAndAPageIsRecognised() {
        let fin = HTTPClientError.ended(HTTPConnectionEnd(cause: .fin), .body)
        #expect(StreamCut(.failed(.connection(fin)), hasPage: false) == .closed)
        #expect(StreamCut(.failed(.connection(fin)), hasPage: true) == .page)
        #expect(StreamCut(.failed(.connection(.streamReset(.cancel, .body))), hasPage: false) == .streamReset(.cancel))
        #expect(StreamCut(.stopped, hasPage: false) == nil)
        #expect(StreamCut.isPage(["<!DOCTYPE HTML PUBLIC>", "<html><head>"]))
        #expect(!StreamCut.isPage(["error: no such field"]))
    }
}
