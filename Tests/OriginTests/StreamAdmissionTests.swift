// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct StreamAdmissionTests {
    @Test func streamsBeyondTheLimitAreRefusedAndNotCounted() {
        let admission = StreamAdmission(maximum: 2, maximumPerPeer: 0)
        #expect(admission.enter(client: "a") == nil)
        #expect(!admission.isFull)
        #expect(admission.enter(client: "a") == nil)
        #expect(admission.isFull)
        #expect(admission.enter(client: "b") == .tooManyStreams(limit: 2))
        #expect(admission.counts == (2, 0, 2))
        admission.leave(client: "a")
        #expect(admission.counts == (2, 1, 1))
        #expect(admission.enter(client: "b") == nil)
        #expect(admission.counts == (3, 1, 2))
    }

    @Test func everyClientHasItsOwnLimit() {
        let admission = StreamAdmission(maximum: 100, maximumPerPeer: 2)
        #expect(admission.enter(client: "a") == nil)
        #expect(admission.enter(client: "a") == nil)
        #expect(admission.enter(client: "a") == .tooManyForPeer(limit: 2))
        #expect(admission.enter(client: "b") == nil)
        admission.leave(client: "a")
        #expect(admission.enter(client: "a") == nil)
        #expect(admission.enter(client: "a") == .tooManyForPeer(limit: 2))
        #expect(admission.counts == (4, 1, 3))
    }

    @Test func theLimitOfAllGoesBeforeThatOfEach() {
        let admission = StreamAdmission(maximum: 1, maximumPerPeer: 1)
        #expect(admission.enter(client: "a") == nil)
        #expect(admission.enter(client: "a") == .tooManyStreams(limit: 1))
    }

    @Test func aClientThatLeftStartsAnew() {
        let admission = StreamAdmission(maximum: 100, maximumPerPeer: 1)
        for _ in 0..<10 {
            #expect(admission.enter(client: "a") == nil)
            admission.leave(client: "a")
        }
        #expect(admission.counts == (10, 10, 0))
    }

    @Test func manyThreadsNeverPassTheLimit() async {
        let admission = StreamAdmission(maximum: 5, maximumPerPeer: 3)
        let most = await withTaskGroup(of: UInt64.self) { tasks in
            for task in 0..<8 {
                tasks.addTask {
                    var most: UInt64 = 0
                    for _ in 0..<2000 where admission.enter(client: "client \(task % 2)") == nil {
                        most = max(most, admission.counts.active)
                        admission.leave(client: "client \(task % 2)")
                    }
                    return most
                }
            }
            return await tasks.reduce(0) { max($0, $1) }
        }
        #expect(1...5 ~= most)
        #expect(admission.counts.active == 0)
        #expect(admission.counts.opened == admission.counts.closed)
    }
}
