// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Probe

/// Streams as the classifier's tests want them, in milliseconds: who sent when, and what the path made of it.
struct TimelineBuilder {
    /// When each event was sent, from the request on.
    var sent: [Double]
    /// From sent to received, for each.
    var received: [Double] = []
    var knowsSending = true
    var knowsClock = false
    var hasEnded = false
    var ownDelay = 0.0
    var reads: [(Double, Int)] = []

    init(sent: [Double]) {
        self.sent = sent
        received = sent.map { $0 + 1 }
    }

    /// One event each interval.
    static func steady(_ interval: Double, count: Int) -> TimelineBuilder {
        TimelineBuilder(sent: (1...count).map { Double($0) * interval })
    }

    /// Gaps of 0.5 to 1 interval and a pause now and then, as Headwater's `llm` profile has them.
    static func tokens(_ interval: Double, count: Int) -> TimelineBuilder {
        var random = Random(state: 7)
        var time = 0.0
        return TimelineBuilder(
            sent: (0..<count).map { _ in
                time += random.next() < 1.0 / 32 ? interval * 8.75 : interval * (0.5 + random.next() / 2)
                return time
            })
    }

    /// So many at once, then a pause.
    static func bursts(of size: Int, every pause: Double, count: Int) -> TimelineBuilder {
        TimelineBuilder(sent: (0..<count).map { Double($0 / size + 1) * pause + Double($0 % size) * 0.01 })
    }

    /// A hop that sends what it has `hold` after the first of it came.
    func heldByTimer(_ hold: Double) -> TimelineBuilder {
        var copy = self
        var release = -1.0
        copy.received = sent.map { time in
            if time > release { release = time + hold }
            return release + 1
        }
        return copy
    }

    /// A hop that sends when so many events are there.
    func heldByCount(_ size: Int) -> TimelineBuilder {
        var copy = self
        let whole = sent.count / size * size
        copy.sent = Array(sent.prefix(whole))
        copy.received = (0..<whole).map { sent[$0 / size * size + size - 1] + 1 }
        return copy
    }

    /// A hop that sends when the stream ends.
    func heldToTheEnd() -> TimelineBuilder {
        var copy = self
        copy.received = sent.map { _ in (sent.last ?? 0) + 2 }
        copy.hasEnded = true
        return copy
    }

    /// A network or a machine that makes each event late by up to `delay`, and never changes their order.
    func delayed(upTo delay: Double, share: Double = 1, seed: UInt64 = 1) -> TimelineBuilder {
        var copy = self
        var random = Random(state: seed)
        var last = 0.0
        copy.received = sent.map { time in
            let late = random.next() < share ? random.next() * delay : 0
            last = max(last, time + 1 + late)
            return last
        }
        return copy
    }

    func changed(_ change: (inout TimelineBuilder) -> Void) -> TimelineBuilder {
        var copy = self
        change(&copy)
        return copy
    }

    var timeline: DeliveryTimeline {
        func time(_ milliseconds: Double) -> Int64 { 1_000_000_000_000 + Int64(milliseconds * 1_000_000) }
        var timeline = DeliveryTimeline(requested: time(0), until: time((received.last ?? 10_000) + 20))
        timeline.headReceived = time(1)
        timeline.basis = knowsSending ? .publishTimes : .arrivals
        timeline.isSentOnOurClock = knowsClock
        timeline.hasEnded = hasEnded
        timeline.ownDelay = Int64(ownDelay * 1_000_000)
        // The publisher's clock is far from ours, unless it is known.
        let offset: Int64 = knowsClock ? 0 : 777_000_000_000_000
        timeline.arrivals = zip(sent, received).map { sent, received in
            .init(sent: knowsSending ? time(sent) + offset : nil, received: time(received))
        }
        timeline.reads = reads.map { BodyRead(time: time($0.0), bytes: $0.1) }
        return timeline
    }

    var verdict: Delivery { DeliveryClassifier.classify(timeline) }
}

/// Numbers from 0 to 1, the same on every run.
struct Random {
    private var generator: SeededGenerator

    init(state: UInt64) {
        generator = SeededGenerator(seed: state)
    }

    mutating func next() -> Double { Double(generator.next() >> 11) / Double(1 << 53) }
}
