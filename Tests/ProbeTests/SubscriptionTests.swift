// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Transport

@testable import Probe

@Suite("When a stream is opened again")
struct SubscriptionTests {
    static let cases: [(ending: StreamEnding, attempt: Int, opened: Bool, goesOn: Bool)] = [
        (.complete, 1, true, true), (.untilClose, 1, true, true), (.stopped, 1, true, false),
        (.failed(.status(204, excerpt: "")), 2, true, false), (.failed(.status(404, excerpt: "")), 1, true, false),
        (.failed(.status(503, excerpt: "")), 1, true, false), (.failed(.status(503, excerpt: "")), 2, true, true),
        (.failed(.connection(.refused(addresses: ""))), 1, false, false),
        (.failed(.connection(.refused(addresses: ""))), 2, false, true),
        (.failed(.connection(.ended(HTTPConnectionEnd(cause: .reset), .body))), 1, true, true),
        (.failed(.notEventStream(contentType: nil, excerpt: "")), 2, true, false),
        (.failed(.redirect(status: 302, location: "/")), 1, true, false),
    ]

    @Test(arguments: cases)
    func afterThisEnding(ending: StreamEnding, attempt: Int, opened: Bool, goesOn: Bool) {
        var record = StreamRecord(path: 0, stream: 0, attempt: attempt, started: 0)
        record.status = opened ? 200 : nil
        record.ending = ending
        #expect(Subscription.goesOn(after: record) == goesOn)
    }
}
