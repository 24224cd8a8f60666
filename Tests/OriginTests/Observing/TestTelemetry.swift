// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry

@testable import Origin

/// Telemetry that goes nowhere, of its own for each test.
enum TestTelemetry {
    static func make() throws -> OriginTelemetry {
        let registry = MetricRegistry()
        let settings = TracingSettings(resource: Resource(attributes: []))
        return OriginTelemetry(
            registry: registry,
            dynamic: try registry.makeDynamicMetrics(),
            tracer: Tracer(settings: settings, processor: SpanProcessor(exporter: nil)),
            resource: settings.resource,
            scope: InstrumentationScope(name: "test", version: "0")
        )
    }
}
