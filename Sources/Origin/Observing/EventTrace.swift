// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What an event touches of its stream's trace: one line of memory, or two. Those of a loop lie side by side in its
// ``TraceTable``. When each was in an object of its own, several cache and TLB misses away, those misses were most of
// what a span cost.

import Telemetry
import Transport

struct EventTrace {
    let applicationProtocol: ApplicationProtocol
    private var spanCount: UInt32 = 2
    /// What the spans of its latest event's channel share, which nearly always is its only one.
    private(set) var template: SpanTemplate
    /// The stream holds its channels, so the identifier stays theirs.
    private var channel: ObjectIdentifier
    /// The longest lag of any event so far, in nanoseconds.
    private(set) var maximumLag: Int64 = 0
    private var segmentMaximumLag: Int64 = 0
    private var partBegan: Int64
    /// Monotonic nanoseconds.
    private(set) var segmentBegan: Int64

    init(
        _ template: SpanTemplate,
        of channel: ObjectIdentifier,
        over applicationProtocol: ApplicationProtocol,
        now: Int64
    ) {
        self.template = template
        self.channel = channel
        self.applicationProtocol = applicationProtocol
        self.partBegan = now
        self.segmentBegan = now
    }

    mutating func delivered(lag: Int64) {
        self.segmentMaximumLag = max(self.segmentMaximumLag, lag)
        self.maximumLag = max(self.maximumLag, lag)
    }

    /// For as long as this is in its table.
    var uncountedTemplate: Unmanaged<SpanTemplate> { .passUnretained(self.template) }

    func isOf(_ channel: ObjectIdentifier) -> Bool { self.channel == channel }

    mutating func use(_ template: SpanTemplate, of channel: ObjectIdentifier) {
        self.template = template
        self.channel = channel
    }

    mutating func noteSpan() { self.spanCount &+= 1 }

    func isPartOver(now: Int64) -> Bool {
        self.spanCount >= StreamTrace.mostSpans || now - self.partBegan >= StreamTrace.longestPart
    }

    /// - Returns: when the segment began that is over now, and the longest lag of an event since.
    mutating func nextSegment(now: Int64) -> (began: Int64, maximumLag: Int64) {
        defer {
            self.segmentBegan = now
            self.segmentMaximumLag = 0
        }
        return (self.segmentBegan, self.segmentMaximumLag)
    }

    /// The trace goes on in another one.
    mutating func nextPart(_ template: SpanTemplate, of channel: ObjectIdentifier, now: Int64) {
        self.use(template, of: channel)
        self.spanCount = 2
        self.partBegan = now
    }
}
