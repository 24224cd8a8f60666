// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where an origin reports to. Who sends spans on, and to whom, is the executable's business.

import Telemetry

public struct OriginTelemetry: Sendable {
    /// The origin adds its families; `/metrics` shows all that are in it.
    public let registry: MetricRegistry
    /// Of that registry: takes the metrics whose labels come from requests.
    public let dynamic: DynamicMetrics
    public let tracer: Tracer
    /// What `/debug/traces` says of where its spans are from.
    public let resource: Resource
    public let scope: InstrumentationScope

    public init(
        registry: MetricRegistry,
        dynamic: DynamicMetrics,
        tracer: Tracer,
        resource: Resource,
        scope: InstrumentationScope
    ) {
        self.resource = resource
        self.scope = scope
        self.registry = registry
        self.dynamic = dynamic
        self.tracer = tracer
    }
}
