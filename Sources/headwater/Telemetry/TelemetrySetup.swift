// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Puts the process's telemetry together from OpenTelemetry's environment and our settings: one registry, one tracer,
// and the adapters through which libraries in the process report into both.

import CoreMetrics
import Logging
import NIOCore
import Origin
import Telemetry
import Tracing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct TelemetrySetup: Sendable {
    let origin: OriginTelemetry
    let processor: SpanProcessor
    let metricsFactory: TelemetryMetricsFactory
    let isExporting: Bool

    private static let scope = InstrumentationScope(name: "headwater", version: HeadwaterCommand.version)

    /// - Parameters:
    ///   - name: of the service, unless the environment names it.
    ///   - logsSpans: whether each span is a line on standard error.
    ///   - budgetRate: spans of low priority a second.
    init(
        name: String = "headwater",
        logsSpans: Bool,
        budgetRate: Double,
        environment: [String: String],
        eventLoop: any EventLoop,
        logger: Logger
    ) throws(MetricProblem) {
        let identity = ProcessIdentity(
            name: name, version: HeadwaterCommand.version, hostName: Self.hostName, processID: getpid())
        let (settings, warnings) = TracingSettings.reading(environment, process: identity)
        for warning in warnings { logger.warning("setting ignored", metadata: ["reason": "\(warning)"]) }
        let registry = MetricRegistry()
        let dynamic = try registry.makeDynamicMetrics()
        try ProcessMetrics.register(in: registry)
        try registry.register(
            .buildInfo(
                "headwater_build_info", help: "What runs here.", labels: ["version": HeadwaterCommand.version]))
        let durations = try PipelineMetrics.Durations(dynamic)
        let sender = Self.sender(settings, environment: environment, eventLoop: eventLoop, logger: logger)
        let processor = SpanProcessor(
            settings: settings,
            scope: Self.scope,
            sender: sender,
            logger: logger,
            logsSpans: logsSpans,
            line: { StandardError.write($0 + "\n") },
            onExport: { durations.observe(nanoseconds: $0, failure: $1) }
        )
        try PipelineMetrics.register(in: registry) { processor.counts }
        self.processor = processor
        self.isExporting = sender != nil
        self.metricsFactory = TelemetryMetricsFactory(metrics: dynamic)
        let tracer = Tracer(settings: settings, processor: processor, budgetRate: budgetRate)
        self.origin = OriginTelemetry(
            registry: registry, dynamic: dynamic, tracer: tracer, resource: settings.resource, scope: Self.scope)
    }

    /// Makes this the process's telemetry for libraries; once in a process.
    func bootstrap() {
        MetricsSystem.bootstrap(self.metricsFactory)
        InstrumentationSystem.bootstrap(TelemetryTracer(self.origin.tracer))
    }

    /// Spans are sent when the environment says where to, or asks for it outright: without a word of a collector the
    /// default endpoint would only be a line in the log every minute. They are in the trace ring in any case.
    private static func sender(
        _ settings: TracingSettings,
        environment: [String: String],
        eventLoop: any EventLoop,
        logger: Logger
    ) -> OTLPSender? {
        let variables = [
            "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER",
        ]
        guard settings.isEnabled, settings.exporters.contains(.otlp),
            variables.contains(where: { environment[$0]?.isEmpty == false })
        else { return nil }
        do throws(OTLPTransportError) {
            let transport = try OTLPTransport(settings.otlp, environment: environment, on: eventLoop)
            logger.info("spans are exported", metadata: ["endpoint": "\(settings.otlp.printableURL)"])
            return { await transport.send($0) }
        } catch {
            logger.error("spans cannot be exported", metadata: ["reason": "\(error.reason)"])
            return nil
        }
    }

    private static var hostName: String? {
        var name = [CChar](repeating: 0, count: 256)
        // The last byte stays zero, whatever a name that was cut would leave.
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
