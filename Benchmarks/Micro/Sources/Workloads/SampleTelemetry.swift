// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry

@testable import Origin

enum SampleTelemetry {
    static let resource = Resource(attributes: [
        Attribute("service.name", "headwater"), Attribute("service.version", "1.0.0"),
        Attribute("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"), Attribute("process.pid", 42),
    ])
    static let scope = InstrumentationScope(name: "headwater", version: "1.0.0")

    /// As without a collector: spans stay in the process. No budget, so that every span takes the same way.
    /// - Parameter isSampled: every trace, or none.
    static func make(isSampled: Bool = true) throws -> OriginTelemetry {
        let registry = MetricRegistry()
        var settings = TracingSettings(resource: self.resource)
        settings.sampler = Sampler(root: isSampled ? .alwaysOn : .alwaysOff, isParentBased: true)
        return OriginTelemetry(
            registry: registry,
            dynamic: try registry.makeDynamicMetrics(),
            tracer: Tracer(settings: settings, processor: SpanProcessor(exporter: nil), budgetRate: 1e12),
            resource: self.resource,
            scope: self.scope
        )
    }
}
