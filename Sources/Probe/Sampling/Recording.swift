// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Synchronization

/// Where all streams of a measurement put what they see, and reports take it from. Safe from any thread: one lock
/// around one state, held for an append. Not for load, which keeps counts instead of samples.
///
/// Bound: `limit` samples; what comes on top is counted in ``Snapshot/dropped``, and reports say so.
public final class Recording: SampleSink {
    public struct Snapshot: Sendable {
        /// In the order of their arrival on each stream.
        public var samples: [EventSample] = []
        /// In the order of their start.
        public var streams: [StreamRecord] = []
        public var dropped = 0
    }

    private struct State {
        var snapshot = Snapshot()
        /// Where a stream's record is: by path, stream and attempt.
        var places: [[Int]: Int] = [:]
        /// By path.
        var tallies: [Int: PathTally] = [:]
        var clocks: [Int: ClockTrack] = [:]
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: two million samples are about half a gigabyte.
    public init(limit: Int = 2_000_000) {
        self.limit = limit
    }

    public func add(_ sample: EventSample) {
        state.withLock { state in
            guard state.snapshot.samples.count < limit else {
                state.snapshot.dropped += 1
                return
            }
            state.snapshot.samples.append(sample)
        }
    }

    /// Puts a record in the place of the one with the same path, stream and attempt.
    public func put(_ record: StreamRecord) {
        state.withLock { state in
            let key = [record.path, record.stream, record.attempt]
            let place = state.places[key]
            state.tallies[record.path, default: PathTally()]
                .note(record, insteadOf: place.map { state.snapshot.streams[$0] })
            if let place {
                state.snapshot.streams[place] = record
            } else {
                state.places[key] = state.snapshot.streams.count
                state.snapshot.streams.append(record)
            }
        }
    }

    public func snapshot() -> Snapshot {
        state.withLock { $0.snapshot }
    }

    /// The response head of a path's first stream that has one.
    public func head(of path: Int) -> HTTPHeaders? {
        state.withLock { state in state.snapshot.streams.first { $0.path == path && $0.status != nil }?.headers }
    }

    /// Events on a path so far.
    public func count(of path: Int) -> Int {
        state.withLock { state in state.snapshot.samples.count { $0.path == path } }
    }

    /// What is known of the clock of a path's origin by now.
    func put(_ clock: ClockTrack, path: Int) {
        state.withLock { $0.clocks[path] = clock }
    }

    /// What a live view has not seen yet. A snapshot would cost it a copy of all samples each time.
    struct News {
        var samples: [EventSample]
        var tallies: [Int: PathTally]
        var clocks: [Int: ClockTrack]
    }

    /// - Parameter start: how many samples it has seen.
    func news(from start: Int) -> News {
        state.withLock { state in
            News(
                samples: Array(state.snapshot.samples.dropFirst(start)), tallies: state.tallies, clocks: state.clocks)
        }
    }
}
