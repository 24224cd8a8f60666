// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// One subscriber: follows a stream and, when it ends, opens it again where it ended, as EventSource does (HTML,
/// section 9.2.3). Cancelling the task ends it.
public struct Subscription: Sendable {
    public let follower: StreamFollower
    /// A stream that answers a POST ends when the answer is complete, and is not asked for again.
    public let reconnects: Bool

    /// Without a `retry` from the server; what browsers wait.
    static let defaultRetry = 3_000
    /// A server that asks for 0 is not hammered.
    static let leastRetry = 100

    public init(_ follower: StreamFollower, reconnects: Bool) {
        self.follower = follower
        self.reconnects = reconnects
    }

    /// - Returns: the last attempt, once there is nothing more to do.
    @discardableResult
    public func run() async -> StreamRecord {
        var record = await follower.follow()
        var number = record.events
        while reconnects, Self.goesOn(after: record) {
            let retry = max(record.retry ?? Self.defaultRetry, Self.leastRetry)
            do {
                try await Task.sleep(for: .milliseconds(retry))
            } catch {
                return record
            }
            record = await follower.follow(
                attempt: record.attempt + 1, lastEventID: record.lastEventID, number: number, retry: record.retry)
            number += record.events
        }
        return record
    }

    /// EventSource gives up for good at any status but 200; a measurement that has seen the stream work goes on after
    /// failures that pass.
    static func goesOn(after record: StreamRecord) -> Bool {
        switch record.ending {
        case nil, .stopped: false
        case .complete, .untilClose: true
        case .failed(.status(let status, _)): record.attempt > 1 && (status >= 500 || status == 429)
        case .failed(.connection): record.attempt > 1 || record.status != nil
        case .failed(.unreadable): true
        case .failed: false
        }
    }
}
