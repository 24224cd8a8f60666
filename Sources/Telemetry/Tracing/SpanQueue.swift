// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Ended spans that wait for export: chunks as the event loops handed them over, so that taking one in is O(1).
///
/// Bounded by spans. Overflow policy: what does not fit is not taken, the newest that is; counted as
/// `otel_sdk_processor_span_processed_total{error_type="queue_full"}`. Pure; the processor's lock guards it.
struct SpanQueue {
    let capacity: Int
    private(set) var count = 0
    private var chunks: [[EndedSpan]] = []
    /// Chunks and spans of the first one that were taken out; removed when half of the array is such.
    private var firstChunk = 0
    private var firstSpan = 0

    init(capacity: Int) { self.capacity = capacity }

    /// How many of the spans, from the first, were taken.
    mutating func append(_ spans: [EndedSpan]) -> Int {
        let room = capacity - count
        if room <= 0 || spans.isEmpty { return 0 }
        if spans.count <= room {
            chunks.append(spans)
            count += spans.count
            return spans.count
        }
        chunks.append(Array(spans.prefix(room)))
        count += room
        return room
    }

    /// At most `limit` spans, the oldest first.
    mutating func take(_ limit: Int) -> [EndedSpan] {
        var taken: [EndedSpan] = []
        while taken.count < limit, firstChunk < chunks.count {
            let rest = chunks[firstChunk].count - firstSpan
            let wanted = limit - taken.count
            if rest <= wanted {
                // A whole chunk of just the right size is passed on as it is.
                if taken.isEmpty, firstSpan == 0 {
                    taken = chunks[firstChunk]
                } else {
                    taken += chunks[firstChunk][firstSpan...]
                }
                chunks[firstChunk] = []
                firstChunk += 1
                firstSpan = 0
            } else {
                taken += chunks[firstChunk][firstSpan..<firstSpan + wanted]
                firstSpan += wanted
            }
        }
        if firstChunk * 2 >= chunks.count {
            chunks.removeFirst(firstChunk)
            firstChunk = 0
        }
        count -= taken.count
        return taken
    }
}
