// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging

/// Carries out what ``SpanExporterStateMachine`` decides: encodes batches, hands them to the sender, counts and logs.
/// OTLP over HTTP with protobuf; the connection is the sender's business.
public struct SpanExporter: Sendable {
    let settings: OTLPSettings
    let timing: SpanExporterStateMachine.Timing
    let resource: Resource
    let scope: InstrumentationScope
    let sender: OTLPSender
    let clock: TelemetryClock
    let jitter: @Sendable () -> Double
    let logger: Logger
    /// Told after every finished export: nanoseconds from the first attempt, and why it failed, if it did. For
    /// `otel_sdk_exporter_operation_duration_seconds`.
    let onExport: (@Sendable (_ duration: Int64, _ failure: SpanDropReason?) -> Void)?

    public init(
        settings: TracingSettings,
        scope: InstrumentationScope,
        sender: @escaping OTLPSender,
        clock: TelemetryClock = .system,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        logger: Logger,
        onExport: (@Sendable (_ duration: Int64, _ failure: SpanDropReason?) -> Void)? = nil
    ) {
        self.settings = settings.otlp
        timing = SpanExporterStateMachine.Timing(
            batchSize: settings.batchSize,
            delay: settings.batchDelay.wholeNanoseconds,
            exportTimeout: settings.exportTimeout.wholeNanoseconds,
            requestTimeout: settings.otlp.timeout.wholeNanoseconds
        )
        resource = settings.resource
        self.scope = scope
        self.sender = sender
        self.clock = clock
        self.jitter = jitter
        self.logger = logger
        self.onExport = onExport
    }

    /// Until the processor is shut down, and what it has is sent or given up.
    func run(_ processor: SpanProcessor) async {
        var work = ExportWork(self)
        while let (waiting, deadline) = processor.waiting(wakeAt: { work.wakeAt($0, now: clock.monotonic()) }) {
            if let deadline { work.machine.shutDown(deadline: deadline) }
            switch work.next(waiting, now: clock.monotonic()) {
            case .sleep(let until): await processor.signal.wait(until: until, clock: clock)
            case .takeBatch(let limit): work.take(processor, limit: limit)
            case .send(let timeout):
                guard let request = work.request(timeout: timeout) else { continue }
                let result = await sender(request)
                work.answered(result, processor)
            case .abandon, .finish: return processor.end()
            }
        }
    }
}

/// What the exporter's task has at hand between two steps. One owner: that task.
private struct ExportWork: ~Copyable {
    var machine: SpanExporterStateMachine
    private let exporter: SpanExporter
    private var encoder: OTLPEncoder
    /// Spans that did not fit into the request before; they go first.
    private var rest: ArraySlice<FinishedSpan> = []
    private var body: OTLPEncoder.Body?
    private var began: Int64 = 0
    private var complaints = ExportComplaints()

    init(_ exporter: SpanExporter) {
        self.exporter = exporter
        machine = SpanExporterStateMachine(timing: exporter.timing)
        encoder = OTLPEncoder(
            resource: exporter.resource, scope: exporter.scope, compression: exporter.settings.compression)
    }

    /// Asks the machine with the spans at hand as the oldest in the queue.
    func next(
        _ waiting: SpanExporterStateMachine.Waiting, now: Int64
    ) -> SpanExporterStateMachine.Step {
        var waiting = waiting
        if !rest.isEmpty {
            waiting.count += rest.count
            waiting.isFlushing = true
        }
        return machine.next(waiting, now: now)
    }

    /// A span wakes the exporter when the queue was empty, and then only the one that fills a batch.
    func wakeAt(_ waiting: SpanExporterStateMachine.Waiting, now: Int64) -> Int {
        guard case .sleep = next(waiting, now: now) else { return .max }
        if waiting.count == 0 { return 1 }
        return waiting.count < exporter.timing.batchSize ? exporter.timing.batchSize : .max
    }

    mutating func take(_ processor: SpanProcessor, limit: Int) {
        if rest.isEmpty { rest = processor.takeBatch(limit).map(\.finished)[...] }
        while !rest.isEmpty {
            let now = exporter.clock.monotonic()
            if let body = encoder.encode(rest, limit: exporter.settings.requestLimit) {
                rest = rest.dropFirst(body.spans)
                self.body = body
                began = now
                return machine.batchTaken(spans: body.spans, now: now)
            }
            rest = rest.dropFirst()
            drop(1, .requestTooLarge, cause: "one span exceeds the largest request", processor, now: now)
        }
    }

    func request(timeout: Int64) -> OTLPRequest? {
        body.map { exporter.settings.request(body: $0.bytes, isGzip: $0.isGzip, timeout: timeout) }
    }

    mutating func answered(_ result: OTLPSendResult, _ processor: SpanProcessor) {
        let now = exporter.clock.monotonic()
        let verdict = OTLPVerdict(result, unix: exporter.clock.unix())
        switch machine.answered(verdict, now: now, jitter: exporter.jitter()) {
        case nil: break
        case .retry(_, let cause):
            complain(.retry, "export failed and is tried again", cause, spans: body?.spans ?? 0, now: now)
        case .exported(let spans, let rejected, let message):
            body = nil
            exporter.onExport?(now - began, nil)
            processor.settle(exported: spans, rejected: rejected)
            if rejected > 0 || !message.isEmpty {
                complain(.partialSuccess, "the collector has a complaint", message, spans: rejected, now: now)
            }
        case .dropped(let spans, let reason, let cause):
            body = nil
            exporter.onExport?(now - began, reason)
            drop(spans, reason, cause: cause, processor, now: now)
        }
    }

    private mutating func drop(
        _ spans: Int, _ reason: SpanDropReason, cause: String, _ processor: SpanProcessor, now: Int64
    ) {
        processor.settle(dropped: spans, reason: reason)
        complain(.dropped(reason), "spans are lost", cause, spans: spans, now: now, reason: reason)
    }

    private mutating func complain(
        _ kind: ExportComplaints.Kind,
        _ message: Logger.Message,
        _ cause: String,
        spans: Int,
        now: Int64,
        reason: SpanDropReason? = nil
    ) {
        guard let silenced = complaints.admit(kind, now: now) else { return }
        var metadata: Logger.Metadata = [
            // What a collector says comes from outside and may be long.
            "cause": "\(String(cause.unicodeScalars.prefix(300)))", "spans": "\(spans)",
            "url": "\(exporter.settings.printableURL)",
            "silenced": "\(silenced)",
        ]
        if let reason { metadata["reason"] = "\(reason.rawValue)" }
        exporter.logger.warning(message, metadata: metadata)
    }
}
