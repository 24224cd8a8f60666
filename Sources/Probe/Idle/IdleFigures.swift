// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization
import Transport

/// The streams of a run under way, for whoever looks. Safe from any thread: one lock around one state.
public final class IdleWatch: Sendable {
    private let streams = Mutex<[HeldStream]>([])

    public init() {}

    func show(_ held: [HeldStream]) {
        streams.withLock { $0 = held }
    }

    var held: [HeldStream] { streams.withLock { $0 } }
}

/// The live view of `probe idle`: how many streams live, and what their ends say so far.
public struct IdleFigures: LiveFigures {
    private let watch: IdleWatch
    private let upTo: Double
    private var started: Int64?
    private var elapsed = 0.0
    private var open = 0
    private var ended = 0
    private var judgement = TimerJudgement()

    public init(_ watch: IdleWatch, upTo: Double) {
        self.watch = watch
        self.upTo = upTo
    }

    public mutating func update(now: Int64) {
        if started == nil { started = now }
        elapsed = (now - (started ?? now)).seconds
        let held = watch.held
        open = held.count(where: \.isOpen)
        // Between ends nothing changes but what streams have lived through.
        let isNews = held.count - open != ended
        ended = held.count - open
        if isNews { judgement = TimerClassifier(held).judge() }
    }

    public func lines(width: Int, style: TextStyle) -> [String] {
        let progress = "\(TextStyle.fixed(elapsed, 0)) of \(TextStyle.fixed(upTo, 0)) s, at most"
        return [
            "\(style.paint("idle", .bold))  \(progress)  \(open) streams open, \(ended) ended",
            "idle timeout      \(Self.text(judgement.idle))",
            "maximum lifetime  \(Self.text(judgement.lifetime))",
        ].map { String($0.prefix(width + ($0.count - Self.plain($0).count))) }
    }

    public var line: String {
        "\(TextStyle.fixed(elapsed, 0)) s: \(open) streams open, \(ended) ended; idle timeout "
            + "\(Self.text(judgement.idle)), maximum lifetime \(Self.text(judgement.lifetime))"
    }

    private static func text(_ verdict: TimerVerdict) -> String {
        guard verdict.status == .found, let seconds = verdict.seconds else { return "not seen yet" }
        return "\(TextStyle.fixed(seconds, 2)) s so far, confidence \(verdict.confidence.rawValue)"
    }

    /// Without what only colours.
    private static func plain(_ text: String) -> String {
        text.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[0m", with: "")
    }
}
