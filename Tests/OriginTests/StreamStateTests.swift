// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// What a stream's times tell of it: an event costs one of them, and the others follow from it.
@Suite struct StreamStateTests {
    @Test func aStreamWithoutEventsHasBeenWithoutSinceItOpened() async throws {
        try await StreamStates.withStates { states in
            var state = states.make(position: 1)
            let atOpening = state.lastEventAt == 0 && state.lastWriteAt == 0
            state.wrote(messageBytes: 12, now: 15)
            state.wrote(messageBytes: 12, now: 30)
            return [
                .init("at its opening", atOpening),
                .init("no message is an event", state.lastEventAt == 0 && state.eventCount == 0),
                .init("but it is a write", state.lastWriteAt == 30 && state.byteCount == 24),
                .init("and ends a pause", state.longestPause == 15),
            ]
        }
    }

    @Test func theLastEventIsRememberedOverTheMessagesBehindIt() async throws {
        try await StreamStates.withStates { states in
            var state = states.make(position: 1)
            state.wrote(events: 2, bytes: 600, now: 10)
            let afterEvents = state.lastEventAt
            state.wrote(messageBytes: 12, now: 25)
            state.wrote(messageBytes: 12, now: 40)
            let afterMessages = state.lastEventAt
            state.wrote(events: 1, bytes: 300, now: 50)
            return [
                .init("of the events", afterEvents == 10),
                .init("kept over two messages", afterMessages == 10),
                .init("of the next event", state.lastEventAt == 50 && state.lastWriteAt == 50),
                .init("all are counted", state.eventCount == 3 && state.byteCount == 924 && state.longestPause == 15),
            ]
        }
    }

    @Test func anEventRightBehindAMessageCounts() async throws {
        try await StreamStates.withStates { states in
            var state = states.make(position: 1)
            state.wrote(events: 1, bytes: 300, now: 10)
            state.wrote(messageBytes: 60, now: 20)
            state.wroteApart(events: 1, bytes: 300, now: 20)
            return [.init("at the same time", state.lastEventAt == 20 && state.eventCount == 2)]
        }
    }
}
