// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Which streams are held, and until when")
struct IdleCampaignTests {
    @Test(arguments: [5.0, 20, 90, 360, 3_600, 7_200])
    func aPlanFitsItsRun(upTo: Double) throws {
        let plan = IdlePlan(upTo: upTo)
        let intervals = IdlePlan.intervals(upTo: upTo)
        #expect(intervals == intervals.sorted())
        #expect(intervals.allSatisfy { (0.5...3_600).contains($0) })
        // The slowest one's bytes still come within the run, and say something about nearly all of it.
        let slowest = try #require(intervals.last)
        #expect(slowest < upTo)
        #expect(slowest > min(3_590, upTo * 0.35))
        let openings = plan.quiet + plan.beating + plan.siblings
        #expect(openings.allSatisfy { $0.at >= 0 && $0.at < 6 })
        #expect(openings.count < 60)
    }

    @Test func openingsAreApartSoThatAgesAndMomentsDiffer() {
        let plan = IdlePlan(upTo: 360)
        let quick = plan.beating.filter { $0.role == .beating(IdlePlan.quickest) }.map(\.at)
        for times in [plan.quiet.map(\.at), quick] {
            #expect(times.count >= 3)
            #expect((times.max() ?? 0) - (times.min() ?? 0) > 2)
        }
    }

    @Test func timeIsUpAtTheEnd() {
        var campaign = IdleCampaign(upTo: 10, source: .headwater)
        #expect(campaign.next(now: 10, streams: [], pending: 0) == [.finish])
    }

    @Test func withoutAStreamLeftThereIsNothingToWaitFor() {
        var campaign = IdleCampaign(upTo: 360, source: .asIs)
        var now = 0.0
        while now < 14 {
            _ = campaign.next(now: now, streams: [], pending: 1)
            now += 0.1
        }
        #expect(campaign.next(now: now, streams: [], pending: 0) == [.finish])
    }

    @Test func busyStreamsWaitWhileQuietOnesShareAConnectionToTheOrigin() {
        var shared = IdleCampaign(upTo: 360, source: .headwater)
        var apart = IdleCampaign(upTo: 360, source: .headwater)
        func streams(_ connections: [String]) -> [HeldStream] {
            connections.enumerated().map { number, connection in
                HeldStream(
                    number: number, role: .quiet, opened: 0, lastArrival: 0.1, originConnection: connection, until: 8)
            }
        }
        func isBusy(_ action: IdleCampaign.Action) -> Bool {
            if case .open(let opening) = action, case .beating = opening.role { true } else { false }
        }
        _ = shared.next(now: 1, streams: streams(["1", "1"]), pending: 0)
        _ = apart.next(now: 1, streams: streams(["1", "2"]), pending: 0)
        #expect(!shared.next(now: 8, streams: streams(["1", "1"]), pending: 0).contains(where: isBusy))
        #expect(apart.next(now: 8, streams: streams(["1", "2"]), pending: 0).contains(where: isBusy))
    }

    @Test func aStreamThatEndsAsItShouldIsNotAskedForAgain() {
        var campaign = IdleCampaign(upTo: 360, source: .asIs)
        var stream = HeldStream(number: 0, role: .asIs, opened: 0, lastArrival: 3, until: 3)
        stream.end = .init(at: 3, how: .complete)
        for now in [0.0, 2, 5, 9, 14] { _ = campaign.next(now: now, streams: [stream], pending: 1) }
        #expect(campaign.next(now: 15, streams: [stream], pending: 0) == [.finish])
    }
}
