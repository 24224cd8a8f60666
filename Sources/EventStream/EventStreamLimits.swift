// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What ``EventStreamDecoder`` accepts before it gives up with an ``EventStreamError``.
///
/// The specification sets no bounds, so a peer that never ends a line or an event would fill the memory. A decoder
/// holds at most one unfinished line, the data of one unfinished event, and one type and one id, each shorter than a
/// line.
public struct EventStreamLimits: Sendable, Equatable {
    /// The longest line in bytes, field name and colon counted, the end of line and a leading byte order mark not.
    public var maximumLineBytes: Int

    /// The most data of one event in bytes: its `data` values and the LF between them.
    public var maximumEventBytes: Int

    /// Creates limits. 2 MiB for a line hold an event of 1 MiB, Headwater's own default for what may be published, when
    /// all of it is one `data` line; 4 MiB for an event leave room for peers that are more generous.
    public init(maximumLineBytes: Int = 2 << 20, maximumEventBytes: Int = 4 << 20) {
        self.maximumLineBytes = maximumLineBytes
        self.maximumEventBytes = maximumEventBytes
    }
}
