// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The process's record of ended streams: gives each its verdict when the ledger has one, writes the log line, counts,
// and remembers the last few for operators to look at.

import Logging
import NIOCore
import Synchronization
import Telemetry
import Transport

/// Who a stream was, for those who read of its end.
struct ClosedStream: Sendable {
    let id: String
    let channel: String
    /// The client as trusted intermediaries tell it.
    let client: String
    let path: String
    let applicationProtocol: ApplicationProtocol
    let requestNumber: UInt64
    let heartbeats: UInt64
    /// The trace that the client was told of.
    let traceID: TraceID
    /// Of a stream that was sampled.
    let trace: ClosedTrace?
    let evidence: CloseEvidence
}

/// A closed stream with its verdict.
struct JudgedStream: Sendable {
    let stream: ClosedStream
    let verdict: Verdict
}

/// Safe from any thread. An event loop only puts a close into the inbox; judging, which takes up to a tenth of a
/// millisecond each, is done by the task of ``settleAsTheyCome()``, never on an event loop.
final class CloseBook: Sendable {
    /// Closes since they were last looked at. Bound: the process's limit of streams.
    private let inbox = Mutex(Inbox())
    private struct Inbox {
        var streams: [ClosedStream] = []
        /// HTTP/2 connections that ended. Bound: those that were open.
        var connections: [UInt64] = []

        var isEmpty: Bool { self.streams.isEmpty && self.connections.isEmpty }
    }
    /// One element for an inbox that is empty no more: without it a timer would wake a thread twenty times a second for
    /// nothing, which costs as much as every sixth of ninety thousand events over HTTP/2.
    private let arrivals = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Only the task and ``flush()`` come here, and stay for as long as it takes to judge thousands of closes.
    private let judging = Mutex(Judging())
    private struct Judging {
        var ledger = CloseLedger()
        /// Streams that wait for their verdict, by number. Bound: the ledger's capacity.
        var waiting: [UInt64: ClosedStream] = [:]

        /// After the end of many streams at once: the table is some 500 bytes for each, and most hours nothing waits.
        mutating func giveBackSpare() {
            if self.waiting.isEmpty, self.waiting.capacity > 1024 { self.waiting = [:] }
        }
    }
    /// Event loops come here, to show it. It is held for no longer than a close takes to be written down.
    private let records = Mutex(Records())
    private struct Records {
        /// Bound: ``CloseBook/remembered``; the oldest goes first.
        var recent = CircularBuffer<JudgedStream>()
        var byReason: [CloseReason: UInt64] = [:]

        mutating func add(_ judged: JudgedStream) {
            self.byReason[judged.verdict.reason, default: 0] += 1
            self.recent.append(judged)
            if self.recent.count > CloseBook.remembered { self.recent.removeFirst() }
        }
    }

    /// How many ended streams `/debug/streams` shows.
    static let remembered = 256

    private let logger: Logger
    private let counts: ProcessCounts
    private let tracer: Tracer

    init(logger: Logger, counts: ProcessCounts, tracer: Tracer) {
        self.logger = logger
        self.tracer = tracer
        self.counts = counts
    }

    func record(_ stream: ClosedStream) {
        self.put { $0.streams.append(stream) }
    }

    /// An HTTP/2 connection ended, which throws light on the streams that its peer reset right before.
    func connectionEnded(_ connection: ConnectionID) {
        self.put { $0.connections.append(connection.rawValue) }
    }

    private func put(_ change: (inout Inbox) -> Void) {
        let isFirst = self.inbox.withLock { inbox in
            defer { change(&inbox) }
            return inbox.isEmpty
        }
        if isFirst { self.arrivals.continuation.yield() }
    }

    /// Judges closes when they have waited long enough, until the task is cancelled.
    func settleAsTheyCome() async {
        for await _ in self.arrivals.stream {
            repeat {
                guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
                self.judge { $0.settle(now: Clock.monotonic()) }
            } while self.judging.withLock { !$0.waiting.isEmpty }
        }
    }

    /// Judges everything, for the end of the process.
    func flush() {
        self.judge { $0.flush() }
    }

    private func judge(_ settle: (inout CloseLedger) -> [CloseLedger.Judged]) {
        let arrived = self.inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return inbox
        }
        let judged = self.judging.withLock { judging -> [JudgedStream] in
            var closes: [CloseLedger.Judged] = []
            for stream in arrived.streams {
                judging.waiting[stream.evidence.stream] = stream
                if let hurried = judging.ledger.record(stream.evidence) { closes.append(hurried) }
            }
            for connection in arrived.connections { judging.ledger.connectionEnded(connection) }
            closes += settle(&judging.ledger)
            defer { judging.giveBackSpare() }
            return closes.compactMap { close in
                judging.waiting.removeValue(forKey: close.evidence.stream)
                    .map { JudgedStream(stream: $0, verdict: close.verdict) }
            }
        }
        for judged in judged {
            self.records.withLock { $0.add(judged) }
            self.log(judged)
            if let trace = judged.stream.trace { trace.end(judged, tracer: self.tracer) }
            self.counts.streamClosed(
                judged.verdict, over: judged.stream.applicationProtocol, age: judged.stream.evidence.ageNanoseconds)
        }
    }

    /// The newest first.
    var recent: [JudgedStream] { self.records.withLock { $0.recent.reversed() } }
    var countsByReason: [CloseReason: UInt64] { self.records.withLock { $0.byReason } }

    /// The one line that tells a stream's life.
    private func log(_ judged: JudgedStream) {
        let stream = judged.stream
        let evidence = stream.evidence
        var metadata: Logger.Metadata = [
            "stream": "\(stream.id)",
            "channel": "\(stream.channel)",
            "connection": "\(evidence.connection)",
            "request": "\(stream.requestNumber)",
            "peer": "\(stream.client)",
            "connection_peer": "\(evidence.peer)",
            "protocol": "\(stream.applicationProtocol.rawValue)",
            "path": "\(stream.path)",
            "reason": "\(judged.verdict.reason.rawValue)",
            "confidence": "\(judged.verdict.confidence.rawValue)",
            "evidence": "\(judged.verdict.evidenceText)",
            "age_seconds": "\(Milliseconds(evidence.ageNanoseconds))",
            "idle_seconds": "\(Milliseconds(evidence.idleNanoseconds))",
            "events": "\(evidence.events)",
            "bytes": "\(evidence.bytes)",
            "trace_id": "\(stream.traceID)",
        ]
        if let seconds = judged.verdict.suspectedTimeoutSeconds {
            metadata["suspected_timeout_seconds"] = "\(Milliseconds(.nanoseconds(seconds: seconds)))"
        }
        if judged.verdict.heartbeatsSwallowed { metadata["heartbeats_swallowed"] = "true" }
        if let bytes = evidence.unacknowledgedBytes { metadata["unacknowledged_bytes"] = "\(bytes)" }
        self.logger.info("stream closed", metadata: metadata)
    }
}

/// Nanoseconds shown as seconds with three decimals.
struct Milliseconds: CustomStringConvertible {
    let nanoseconds: Int64

    init(_ nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The value that is shown, as a number.
    var seconds: Double { (Double(self.nanoseconds) / 1_000_000).rounded() / 1000 }
    var description: String {
        let total = (self.nanoseconds.magnitude + 500_000) / 1_000_000
        let fraction = String(total % 1000)
        let sign = self.nanoseconds < 0 && total > 0 ? "-" : ""
        return "\(sign)\(total / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}
