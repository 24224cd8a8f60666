// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The idle timers that operators meet, as a closed set of metric labels, and what counts as "at" a timer.

/// The label `suspected_timeout_seconds` of `sse_stream_idle_closes_total`.
public enum SuspectedTimeout: String, CaseIterable, Sendable {
    /// CloudFront and Traffic Server.
    case seconds30 = "30"
    /// Heroku's router.
    case seconds55 = "55"
    /// nginx, Varnish, nghttpx, httpd, AWS ALB.
    case seconds60 = "60"
    /// Cloudflare, older plans.
    case seconds100 = "100"
    /// Akamai.
    case seconds120 = "120"
    /// Cloudflare.
    case seconds125 = "125"
    /// Envoy.
    case seconds300 = "300"
    /// AWS NLB.
    case seconds350 = "350"
    /// Akamai at its most, Varnish's `send_timeout`.
    case seconds600 = "600"
    case other

    /// The known timer that would close a stream after `seconds`: timers fire late, not early.
    public init(seconds: Double) {
        self =
            Self.allCases.first { known in
                guard let timer = Double(known.rawValue) else { return false }
                return seconds >= timer - 0.010 && seconds <= timer + max(timer / 100, 1)
            } ?? .other
    }
}

/// Tolerances of the rules, in nanoseconds. Where they come from: measurements of the intermediaries of
/// docs/close-reasons.md.
enum CloseTolerance {
    static let millisecond: Int64 = 1_000_000
    static let second: Int64 = 1_000_000_000

    /// Coarse clocks let a timer fire this much early.
    static let early = 10 * millisecond

    /// Ends (or writes) this close together are one moment, and count once.
    static let moment = 50 * millisecond

    /// An end that was found at most this late has happened in the moment in which it was found.
    static let prompt = 2 * moment

    /// Below this, "idle" is the pause between two events of a busy stream and no timer.
    static let shortestTimer = second - early

    /// Streams that one page opened at its start differ by less than this in age; it is not a difference.
    static let differentAges = 500 * millisecond

    /// Across peers, values within ±2 s of one value count as one: each has its own round trip and clock.
    static let acrossPeers = 4 * second

    /// How late a timer of `value` may fire: hops scan their timers once a second (Traffic Server) or in 1 % steps.
    static func late(_ value: Int64) -> Int64 { max(value / 100, second) }

    /// Whether `value` is where a timer of `timer` would end a stream.
    static func matches(_ value: Int64, timer: Int64) -> Bool {
        value >= timer - early && value <= timer + late(timer)
    }

    /// Whether `value` looks configured: a known timer, or a whole number of seconds to within 50 ms. One random
    /// value in ten does, so this supports other evidence and is none by itself.
    static func looksConfigured(_ value: Int64) -> Bool {
        guard value >= shortestTimer else { return false }
        if SuspectedTimeout(seconds: seconds(value)) != .other { return true }
        let past = (value + early) % second
        return past <= early + moment
    }

    static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / Double(second) }
}
