// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The recent ends of streams, by peer: what a single close is compared with. It stores and forgets; the questions
// that the rules ask of it are in ClosePopulation+Cluster.swift and CloseTempo.swift.

/// A bounded sliding window over the closes that a peer caused.
///
/// A close that is judged is part of its own population: `note` it first, then classify it. Closes that say nothing
/// about the way (ours, network failures, slow consumers) are not kept.
///
/// Bounds, and what happens at each:
/// - `window` (30 minutes): older ends are not looked at, and are dropped when their peer ends another stream.
/// - `endsPerPeer` (256): the peer's oldest end is dropped.
/// - `endsPerMoment` (32 of one peer within 10 ms): further ends are counted, not kept, so that one mass departure
///   does not wipe out the history it is to be compared with.
/// - `peersCompared` (256): beyond so many peers, only the latest end of those that were added to the comparison last
///   is compared across peers.
/// - `peers` (1,024) and `endsInAll` (32,768, about 3 MB): a peer that ended nothing lately is forgotten whole.
///
/// What was forgotten can only make a verdict less sure, never another timer's. `forgotten` counts it for a metric.
///
/// A value with one owner; not meant to be shared between threads.
public struct ClosePopulation: Sendable {
    public struct Limits: Equatable, Sendable {
        public var windowNanoseconds: Int64 = 1_800 * CloseTolerance.second
        public var endsPerPeer = 256
        public var endsPerMoment = 32
        public var peersCompared = 256
        public var peers = 1_024
        public var endsInAll = 32_768

        public init() {}
    }

    /// One end, as far as the rules compare it.
    struct End: Sendable {
        var stream: UInt64
        var connection: UInt64
        var at: Int64
        var age: Int64
        var idle: Int64
        var eventIdle: Int64
        /// The longest pause that the stream is known to have lived through; 0 when none is known.
        var survivedPause: Int64
        var discovery: Discovery
        /// How much earlier than `at` the end may really have happened.
        var foundLate: Int64

        var opened: Int64 { at - age }
        var lastWrite: Int64 { at - idle }
        var lastEvent: Int64 { at - eventIdle }
    }

    /// What an end that shows only when something is written says about when it happened.
    enum Discovery: Sendable {
        /// It showed by itself: its time is the time of the end.
        case itself
        /// One of our events found it; it may have happened at any time since the write before.
        case event
        /// A heartbeat found it: it may be up to two heartbeats old, and its age sits on a multiple of the interval.
        case heartbeat
    }

    struct Peer: Sendable {
        var address: String
        var ends: [End] = []
        var tempo = CloseTempo()
        /// Set by each end but the first, cleared as the eviction hand passes: a second chance before the peer is
        /// forgotten, which a peer of a single end, usually a client without an intermediary, does not get.
        var lately = false
        /// Where `latest` holds this peer's last end, if it still does.
        var latestIndex: Int?
    }

    /// The last end of one peer, for the comparison across peers.
    private struct Latest {
        /// Nil once the peer is forgotten: when it comes back it must not count as two.
        var peer: Int?
        var end: End
    }

    public let limits: Limits
    private(set) var peers: [Peer] = []
    private var indices: [String: Int] = [:]
    private var free: [Int] = []
    private var latest: [Latest] = []
    private var latestHand = 0
    private var hand = 0

    /// Ends held now; never above `limits.endsInAll`.
    public private(set) var count = 0

    /// Ends that were dropped before they left the window.
    public private(set) var forgotten: UInt64 = 0

    public init(limits: Limits = Limits()) {
        var sane = limits
        sane.peers = max(1, limits.peers)
        sane.peersCompared = max(1, limits.peersCompared)
        sane.endsInAll = max(1, limits.endsInAll)
        sane.endsPerPeer = min(max(1, limits.endsPerPeer), sane.endsInAll)
        self.limits = sane
    }

    /// Peers held now; never above `limits.peers`.
    public var peerCount: Int { indices.count }

    /// Takes one close into the window. A close that says nothing about the way is ignored.
    public mutating func note(_ evidence: CloseEvidence) {
        guard let end = End(evidence) else { return }
        let index = slot(of: evidence.peer)
        peers[index].lately = !peers[index].ends.isEmpty
        let inMoment = peers[index].tempo.count(end, resetsStream: evidence.resetsStream)
        keepLatest(end, of: index)
        dropOld(at: index, before: end.at - limits.windowNanoseconds)
        guard inMoment <= limits.endsPerMoment else {
            forgotten += 1
            return
        }
        if peers[index].ends.count >= limits.endsPerPeer {
            peers[index].ends.removeFirst()
            count -= 1
            forgotten += 1
        }
        peers[index].ends.append(end)
        count += 1
        while count > limits.endsInAll, let victim = nextVictim(sparing: index) {
            clear(victim)
        }
    }

    /// The recent ends of `peer` around `time`, in the order they were noted.
    func ends(of peer: String, around time: Int64) -> [End] {
        guard let index = indices[peer] else { return [] }
        return peers[index].ends.filter { abs($0.at - time) <= limits.windowNanoseconds }
    }

    /// The latest end of each other peer around `time`, unless a write found it.
    func latestOfEachPeer(but peer: String, around time: Int64) -> [End] {
        let own = indices[peer]
        var ends: [End] = []
        for entry in latest where entry.peer != nil && entry.peer != own {
            if entry.end.discovery == .itself, abs(entry.end.at - time) <= limits.windowNanoseconds {
                ends.append(entry.end)
            }
        }
        return ends
    }

    func tempo(of peer: String) -> CloseTempo? {
        indices[peer].map { peers[$0].tempo }
    }

    private mutating func keepLatest(_ end: End, of index: Int) {
        let entry = Latest(peer: index, end: end)
        if let known = peers[index].latestIndex, latest[known].peer == index {
            latest[known] = entry
        } else if latest.count < limits.peersCompared {
            peers[index].latestIndex = latest.count
            latest.append(entry)
        } else {
            peers[index].latestIndex = latestHand
            latest[latestHand] = entry
            latestHand = (latestHand + 1) % latest.count
        }
    }

    private mutating func dropOld(at index: Int, before time: Int64) {
        let fresh = peers[index].ends.firstIndex { $0.at >= time } ?? peers[index].ends.count
        guard fresh > 0 else { return }
        peers[index].ends.removeFirst(fresh)
        count -= fresh
    }

    private mutating func slot(of address: String) -> Int {
        if let index = indices[address] { return index }
        if indices.count >= limits.peers, let victim = nextVictim(sparing: nil) { clear(victim) }
        let index = free.popLast() ?? peers.count
        if index == peers.count {
            peers.append(Peer(address: address))
        } else {
            peers[index] = Peer(address: address)
        }
        indices[address] = index
        return index
    }

    /// The clock algorithm: the first peer under the hand that ended nothing since the hand last passed it.
    private mutating func nextVictim(sparing spared: Int?) -> Int? {
        guard !peers.isEmpty else { return nil }
        for _ in 0..<(2 * peers.count) {
            let index = hand
            hand = (hand + 1) % peers.count
            guard index != spared, indices[peers[index].address] == index else { continue }
            guard peers[index].lately else { return index }
            peers[index].lately = false
        }
        return nil
    }

    private mutating func clear(_ index: Int) {
        forgotten += UInt64(peers[index].ends.count)
        count -= peers[index].ends.count
        if let known = peers[index].latestIndex, latest[known].peer == index { latest[known].peer = nil }
        indices[peers[index].address] = nil
        peers[index] = Peer(address: "")
        free.append(index)
    }
}

extension ClosePopulation.End {
    /// The comparable part of a close, or nil when it says nothing about the way.
    init?(_ evidence: CloseEvidence) {
        guard case .peer(let end) = evidence.ending, !evidence.isSlow, !end.isNetworkFailure else { return nil }
        self.init(
            stream: evidence.stream,
            connection: evidence.connection,
            at: evidence.endNanoseconds,
            age: evidence.ageNanoseconds,
            idle: evidence.idleNanoseconds,
            eventIdle: evidence.eventIdleNanoseconds,
            survivedPause: evidence.survivedPause,
            discovery: evidence.discovery,
            foundLate: evidence.foundLate
        )
    }
}
