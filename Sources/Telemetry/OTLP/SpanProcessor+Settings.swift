// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging

extension SpanProcessor {
    /// The pipeline that the settings ask for: an exporter for `otlp`, lines for `console`, and the trace ring always.
    ///
    /// - Parameters:
    ///   - sender: Delivers requests; its connections, TLS and proxies are its own. Nil: there is nobody to send to.
    ///   - line: Gets one line per span when `console` is among the exporters, or `logsSpans` is true.
    ///   - onExport: Told after every finished export; see ``SpanExporter``.
    public convenience init(
        settings: TracingSettings,
        scope: InstrumentationScope,
        ring: TraceRing = TraceRing(),
        sender: OTLPSender?,
        logger: Logger,
        logsSpans: Bool = false,
        line: @escaping @Sendable (String) -> Void = { print($0) },
        clock: TelemetryClock = .system,
        onExport: (@Sendable (_ duration: Int64, _ failure: SpanDropReason?) -> Void)? = nil
    ) {
        let exports = settings.isEnabled && settings.exporters.contains(.otlp)
        let writesLines = logsSpans || settings.exporters.contains(.console)
        self.init(
            queueCapacity: settings.queueCapacity,
            exporter: sender.flatMap { sender in
                exports
                    ? SpanExporter(
                        settings: settings, scope: scope, sender: sender, clock: clock, logger: logger,
                        onExport: onExport)
                    : nil
            },
            recorder: SpanRecorder(ring: ring, line: writesLines ? line : nil),
            clock: clock)
    }
}
