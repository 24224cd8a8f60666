// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Takes what streams bring, as it comes: a ``Recording`` that keeps it, or a canary that counts it and lets it go.
/// Called from the tasks of many streams at once.
public protocol SampleSink: Sendable {
    func add(_ sample: EventSample)

    /// What is known of a stream by now: when it opens, from time to time, and at its end. It takes the place of what
    /// was known of the same path, stream and attempt.
    func put(_ record: StreamRecord)
}
