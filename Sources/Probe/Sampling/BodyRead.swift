// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One read's share of a body: its size shows who cuts by size rather than by event.
public struct BodyRead: Sendable, Hashable {
    /// Monotonic nanoseconds.
    public var time: Int64
    public var bytes: Int

    public init(time: Int64, bytes: Int) {
        self.time = time
        self.bytes = bytes
    }
}
