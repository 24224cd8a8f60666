// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// All metrics of an origin in one registry: the cells of the loops, what is counted off them, what depends on labels
// from requests, and what is looked up at the scrape.

import NIOHTTP1
import Telemetry
import Transport

/// Safe from any thread.
final class MetricBook: Sendable {
    let registry: MetricRegistry
    let series = OriginMetrics()
    let counts = ProcessCounts()
    private let dynamic: DynamicMetrics
    private let requestDuration: DynamicMetrics.FamilyID
    private let clientDeliveryLag: DynamicMetrics.FamilyID

    /// - Throws: what is wrong with the catalogue, or a name that the registry has already.
    init(registry: MetricRegistry, dynamic: DynamicMetrics) throws(MetricProblem) {
        self.registry = registry
        if let problem = (self.series.problems + self.counts.problems).first { throw problem }
        self.dynamic = dynamic
        self.requestDuration = try self.dynamic.register(MetricCatalogue.requestDuration)
        self.clientDeliveryLag = try self.dynamic.register(MetricCatalogue.clientDeliveryLag)
        // There from the first scrape on, as all others are.
        _ = self.dynamic.series(self.clientDeliveryLag, labelValues: [DeliveryPath.direct])
    }

    /// Adds the loops, once there are some.
    func register(
        _ directory: ShardDirectory,
        isDraining: @escaping @Sendable () -> Bool,
        configuration: OriginConfiguration
    ) throws(MetricProblem) {
        let counts = self.counts
        try self.registry.register(counts.layout, sources: [{ counts.snapshot() }])
        let layout = self.series.layout
        try self.registry.register(
            layout,
            sources: [
                {
                    var all = MetricSnapshot(layout)
                    // A loop that has ended has no counts any more; then the process is about to end as well.
                    for snapshot in (try? await directory.collect { $0.metrics.snapshot() }) ?? [] {
                        all.merge(snapshot)
                    }
                    return all
                }
            ]
        )
        let constants: [(MetricFamily, Int64)] = [
            (MetricCatalogue.streamsLimit, Int64(configuration.maximumStreams)),
            (MetricCatalogue.connectionsLimit, Int64(configuration.maximumConnections)),
        ]
        for (family, value) in constants { try self.registry.register(MetricFamilySamples(family, .signed(value))) }
        try self.registry.register(
            MetricFamilySamples(MetricCatalogue.heartbeatInterval, .floating(configuration.heartbeat)))
        try self.registry.register([MetricCatalogue.draining]) {
            [MetricFamilySamples(MetricCatalogue.draining, .signed(isDraining() ? 1 : 0))]
        }
    }

    /// - Parameter series: where the last answer was counted.
    func answered(
        _ head: RequestHead,
        route: Route,
        status: HTTPResponseStatus,
        now: Int64,
        in series: inout AnsweredSeries
    ) {
        let method = head.methodLabel
        let code = status.code
        if series.method != method || series.route != route.template || series.code != code
            || series.applicationProtocol != head.applicationProtocol
        {
            let labels = [method, route.template, String(code), head.applicationProtocol.versionLabel]
            series = AnsweredSeries(
                method: method,
                route: route.template,
                code: code,
                applicationProtocol: head.applicationProtocol,
                series: self.dynamic.series(self.requestDuration, labelValues: labels)
            )
        }
        guard let found = series.series else { return }
        self.dynamic.observe((now - head.receivedAt).seconds, in: found)
    }

    func clientDelivered(lagSeconds: Double, path: String) {
        self.dynamic.observe(lagSeconds, in: self.clientDeliveryLag, labelValues: [path])
    }
}

/// A series of request durations and what it counts: looking one up by its labels costs more than counting in it.
struct AnsweredSeries {
    fileprivate var method = ""
    fileprivate var route = ""
    fileprivate var code: UInt = 0
    fileprivate var applicationProtocol = ApplicationProtocol.http11
    fileprivate var series: DynamicMetrics.Series?
}

extension RequestHead {
    /// `http.request.method` of the conventions: methods that nobody knows are one.
    var methodLabel: String {
        switch self.method {
        case .GET, .HEAD, .POST, .PUT, .DELETE, .CONNECT, .OPTIONS, .TRACE, .PATCH: self.method.rawValue
        default: "_OTHER"
        }
    }
}

extension ApplicationProtocol {
    /// `network.protocol.version` of the conventions.
    var versionLabel: String {
        switch self {
        case .http10: "1.0"
        case .http11: "1.1"
        case .http2: "2"
        }
    }
}
