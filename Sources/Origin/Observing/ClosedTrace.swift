// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The last span of a stream's trace. It waits for the verdict, a tenth of a second after the end, because the reason is
// what people open the trace for.

import Telemetry
import Transport

struct ClosedTrace: Sendable {
    let span: OpenSpan
    /// Unix nanoseconds.
    let endedAt: Int64
    /// Nanoseconds.
    let maximumLag: Int64

    /// Ends the span with what is known of the stream's end. From any thread.
    func end(_ judged: JudgedStream, tracer: Tracer) {
        let evidence = judged.stream.evidence
        let verdict = judged.verdict
        var span = self.span
        span.set([
            Attribute(SpanKey.age, evidence.ageNanoseconds.seconds),
            Attribute(SpanKey.idle, evidence.idleNanoseconds.seconds),
            Attribute(SpanKey.events, Int(evidence.events)),
            Attribute(SpanKey.bytes, Int(evidence.bytes)),
            Attribute(SpanKey.heartbeats, Int(judged.stream.heartbeats)),
            Attribute(SpanKey.maximumLag, self.maximumLag.seconds),
            Attribute(SpanKey.closeReason, verdict.reason.rawValue),
            Attribute(SpanKey.closeConfidence, verdict.confidence.rawValue),
            Attribute(SpanKey.closeEvidence, verdict.evidenceText),
        ])
        if let seconds = verdict.suspectedTimeoutSeconds { span.set(SpanKey.suspectedTimeout, .double(seconds)) }
        switch evidence.ending {
        case .peer(.rstStream(let code)): span.set(SpanKey.resetCode, "\(HTTP2ErrorCode(rawValue: code))")
        case .peer(.goAway(let code, let debug)):
            span.set(SpanKey.resetCode, "\(HTTP2ErrorCode(rawValue: code))")
            span.set(SpanKey.goAwayDebug, debug)
        case .peer, .origin: break
        }
        if verdict.reason.isFailure { span.setStatus(.error(verdict.reason.rawValue)) }
        tracer.end(span, at: self.endedAt)
    }
}

extension CloseReason {
    /// Whether the stream ended although its client had not left and we had not meant it to.
    var isFailure: Bool {
        switch self {
        case .slowConsumer, .networkFailure, .idleTimeout, .protocolError: true
        case .drain, .durationComplete, .maxLifetime, .intermediaryMaxLifetime, .intermediaryShutdown, .clientClosed,
            .shutdown:
            false
        }
    }
}
