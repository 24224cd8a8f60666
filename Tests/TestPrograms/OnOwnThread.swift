// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation

/// Runs what waits on a thread of its own. Swift's executor has two or three, and shares them with Dispatch's global
/// queues: a few tests that wait there for foreign programs would hold up all others.
public func onOwnThread<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: Result(catching: body)) }
    }
    return try result.get()
}
