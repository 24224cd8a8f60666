// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Probe

/// A path with timers, in virtual time: what a campaign asks for is held, and ends as the path's timers have it. So
/// plan and judgement are tested together, for runs of an hour too.
struct IdleSimulation {
    /// What is between the client and the origin.
    struct Path {
        var idle: Double?
        var lifetime: Double?
        /// Timers fire when they are looked at: this often.
        var granularity = 0.0
        /// Ends come up to so much later than the timer.
        var late = 0.005
        /// Streams live this share less than the lifetime at most.
        var spread = 0.0
        var cut = StreamCut.closed
        /// Bytes no longer come and nobody closes.
        var isSilent = false
        /// The lifetime shows only when bytes are due.
        var waitsForWrites = false
        /// All streams end at this time of the run, or fall silent.
        var shutdown: Double?
        /// All streams go over one connection to the origin.
        var sharesOrigin = false
        /// The idle timer is that connection's.
        var watchesConnection = false
    }

    private struct Stream {
        var held: HeldStream
        var nextBeat: Double
        /// When the path lets nothing through any more.
        var deaf = Double.infinity
        let life: Double
    }

    let path: Path
    private var random: SeededGenerator
    private var streams: [Stream] = []
    private var connection = 0
    private(set) var now = 0.0
    private static let tick = 0.1

    init(_ path: Path, seed: UInt64 = 1) {
        self.path = path
        random = SeededGenerator(seed: seed)
    }

    /// Runs the campaign to its end.
    mutating func run(_ campaign: IdleCampaign) -> [HeldStream] {
        var campaign = campaign
        while true {
            let held = streams.map(seen)
            for action in campaign.next(now: now, streams: held, pending: 0) {
                switch action {
                case .finish: return streams.map(seen)
                case .open(let opening): open(opening)
                }
            }
            now += Self.tick
            for index in streams.indices { advance(index) }
        }
    }

    static func judge(_ path: Path, upTo: Double, canShare: Bool = false, seed: UInt64 = 1) -> TimerJudgement {
        var simulation = IdleSimulation(path, seed: seed)
        let campaign = IdleCampaign(upTo: upTo, source: .headwater, canShare: canShare)
        return TimerClassifier(simulation.run(campaign)).judge()
    }

    private func seen(_ stream: Stream) -> HeldStream {
        var held = stream.held
        held.until = held.end?.at ?? now
        return held
    }

    private mutating func open(_ opening: IdlePlan.Opening) {
        let number = streams.count
        var held = HeldStream(number: number, role: opening.role, opened: now, lastArrival: now + 0.002, until: now)
        held.clientConnection = opening.sharing == .shared ? -1 : number
        // A connection that has ended with all its streams is followed by another.
        if !path.sharesOrigin || !streams.contains(where: \.held.isOpen) { connection += 1 }
        held.originConnection = "\(connection)"
        let life = (path.lifetime ?? .infinity) * (1 - path.spread * Double.random(in: 0...1, using: &random))
        streams.append(
            Stream(held: held, nextBeat: held.lastArrival + (held.interval ?? .infinity) + beatDelay(), life: life))
    }

    /// Heartbeats are up to a tenth of a second late at the origin.
    private mutating func beatDelay() -> Double { Double.random(in: 0...0.1, using: &random) }

    private mutating func advance(_ index: Int) {
        while streams[index].held.isOpen {
            let stream = streams[index]
            let death = fired(stream)
            let beat = stream.nextBeat
            if path.waitsForWrites, beat >= stream.held.opened + stream.life, beat <= now {
                return end(index, at: beat)
            }
            if death <= now, death <= beat {
                if path.isSilent {
                    streams[index].deaf = death
                    streams[index].nextBeat = .infinity
                    return
                }
                return end(index, at: death)
            }
            guard beat <= now else { return }
            streams[index].held.longestPause = max(stream.held.longestPause, beat - stream.held.lastArrival)
            streams[index].held.lastArrival = beat
            streams[index].nextBeat = beat + (stream.held.interval ?? .infinity) + beatDelay()
        }
    }

    private mutating func end(_ index: Int, at time: Double) {
        let late = path.shutdown == time ? 0 : Double.random(in: 0...path.late, using: &random)
        streams[index].held.end = .init(at: time + late, how: path.cut)
    }

    /// When a timer ends the stream, as things stand.
    private func fired(_ stream: Stream) -> Double {
        if stream.deaf < .infinity { return .infinity }
        var first = path.shutdown ?? .infinity
        if let idle = path.idle {
            let written =
                path.watchesConnection
                ? streams.lazy.filter { $0.held.originConnection == stream.held.originConnection }
                    .map(\.held.lastArrival).max() ?? 0
                : stream.held.lastArrival
            first = min(first, onGrid(written + idle))
        }
        if path.lifetime != nil, !path.waitsForWrites { first = min(first, onGrid(stream.held.opened + stream.life)) }
        return first
    }

    private func onGrid(_ time: Double) -> Double {
        path.granularity > 0 ? (time / path.granularity).rounded(.up) * path.granularity : time
    }
}
