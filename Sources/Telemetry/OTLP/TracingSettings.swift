// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Everything about tracing that an operator may set, with OpenTelemetry's defaults.
public struct TracingSettings: Hashable, Sendable {
    /// `OTEL_TRACES_EXPORTER`: where spans go besides the trace ring.
    public enum Exporter: String, Hashable, Sendable, CaseIterable {
        case otlp
        case none
        /// One line per span, see ``SpanLine``.
        case console
    }

    /// False with `OTEL_SDK_DISABLED=true`: no spans at all, but context is still propagated.
    public var isEnabled = true
    public var exporters: Set<Exporter> = [.otlp]
    public var sampler = Sampler.standard
    public var propagation = Propagation.standard
    public var limits = SpanLimits()
    /// Spans in the queue; `OTEL_BSP_MAX_QUEUE_SIZE`.
    public var queueCapacity = 2048
    public var batchSize = 512
    public var batchDelay = Duration.seconds(5)
    /// All attempts of one batch; `OTEL_BSP_EXPORT_TIMEOUT`.
    public var exportTimeout = Duration.seconds(30)
    public var otlp = OTLPSettings()
    public var resource: Resource

    public init(resource: Resource) { self.resource = resource }
}

/// A variable of the environment that was ignored, and why. The value is left out: it may be a secret.
public struct SettingWarning: Hashable, Sendable, CustomStringConvertible {
    public let variable: String
    public let reason: String

    public var description: String { "\(variable) is ignored: \(reason)" }
}
