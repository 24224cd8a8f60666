// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// Hands every scrape the values of the whole process: of the cells of all loops, of collectors, of dynamic metrics.
///
/// Registration is for the start of the process and refuses what would make a scrape invalid: families with problems,
/// and two that share a name. A scrape asks all sources at the same time, so it takes as long as the slowest of them;
/// it holds no lock meanwhile, and any number of scrapes may run at once.
public final class MetricRegistry: Sendable {
    /// Answers with the cells of one loop. It hops there, copies, and comes back; once the loop has ended it should
    /// answer with the last copy, because a counter that shrinks is a restart to Prometheus.
    public typealias Source = @Sendable () async -> MetricSnapshot
    /// Computes values at the scrape. It must not wait for anything without bound: the scrape waits for it.
    public typealias Collector = @Sendable () async -> [MetricFamilySamples]

    /// Answers what one registration contributes: families in any order, their series in any order.
    private typealias Group = @Sendable () async -> [MetricFamilySamples]

    let namespace = MetricNamespace()
    private let groups = Mutex<[Group]>([])
    /// All dynamic metrics, whose overflows are one family.
    private let overflowing = Mutex<[DynamicMetrics]>([])

    public init() {}

    /// Adds a layout and the owners of its cells.
    public func register(_ layout: MetricLayout, sources: [Source]) throws(MetricProblem) {
        try add(layout.families) {
            await withTaskGroup(of: MetricSnapshot.self) { tasks in
                for source in sources { tasks.addTask(operation: source) }
                var merged = MetricSnapshot(layout)
                for await snapshot in tasks { merged.merge(snapshot) }
                return merged.samples()
            }
        }
    }

    /// Adds values that are computed at the scrape. What the collector answers for other families than these, or for
    /// the same series twice, is left out.
    public func register(_ families: [MetricFamily], collector: @escaping Collector) throws(MetricProblem) {
        try add(families) {
            var seen: Set<String> = []
            return await collector().filter { samples in
                families.contains(samples.family) && seen.insert(samples.family.name).inserted
            }
        }
    }

    /// Adds values that never change, such as a `*_build_info`.
    public func register(_ constant: MetricFamilySamples) throws(MetricProblem) {
        try add([constant.family]) { [constant] }
    }

    /// Makes metrics whose series appear while the process runs; its families take their names from this registry.
    ///
    /// There may be several, each with limits of its own; ``DynamicMetrics/overflowFamily`` counts for all of them.
    public func makeDynamicMetrics(limits: DynamicMetrics.Limits = .init()) throws(MetricProblem) -> DynamicMetrics {
        let metrics = DynamicMetrics(namespace: namespace, limits: limits)
        let isFirst = overflowing.withLock { all in
            all.append(metrics)
            return all.count == 1
        }
        if isFirst { try add([DynamicMetrics.overflowFamily]) { [weak self] in self.map { [$0.overflows()] } ?? [] } }
        try add([]) { metrics.samples() }
        return metrics
    }

    private func overflows() -> MetricFamilySamples {
        let counts = overflowing.withLock { $0 }.reduce(into: [:]) { counts, metrics in
            counts.merge(metrics.overflows(), uniquingKeysWith: +)
        }
        return MetricFamilySamples(
            DynamicMetrics.overflowFamily,
            counts.map { (labelValues: [$0.key], value: MetricValue.unsigned($0.value)) }
        )
    }

    /// All values, by the names of the families and then by labels; families without series are left out.
    public func collect() async -> [MetricFamilySamples] {
        let groups = groups.withLock { $0 }
        var all = await withTaskGroup(of: [MetricFamilySamples].self) { tasks in
            for group in groups { tasks.addTask(operation: group) }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
        all.removeAll(where: \.series.isEmpty)
        for index in all.indices { all[index].sortSeries() }
        all.sort { $0.family.name < $1.family.name }
        return all
    }

    private func add(_ families: [MetricFamily], group: @escaping Group) throws(MetricProblem) {
        try namespace.claim(families)
        groups.withLock { $0.append(group) }
    }
}

/// The names that families and their samples have taken. One lock, never held while another is.
final class MetricNamespace: Sendable {
    private let owners = Mutex<[String: String]>([:])

    /// Takes the names of all of these families, or of none.
    func claim(_ families: [MetricFamily]) throws(MetricProblem) {
        if let problem = families.lazy.flatMap(\.problems).first { throw problem }
        try owners.withLock { owners throws(MetricProblem) in
            var changed = owners
            for family in families {
                if let owner = family.claimedNames.lazy.compactMap({ changed[$0] }).first {
                    throw MetricProblem(metric: family.name, reason: .nameIsTaken(by: owner))
                }
                for name in family.claimedNames { changed[name] = family.name }
            }
            owners = changed
        }
    }
}

extension MetricFamilySamples {
    /// Orders the series by their labels and leaves out all but the first of equal ones.
    fileprivate mutating func sortSeries() {
        let isSorted = zip(series, series.dropFirst()).allSatisfy { $0.labels < $1.labels }
        if isSorted { return }
        var sorted: [MetricSeries] = []
        sorted.reserveCapacity(series.count)
        // The position breaks ties, because sorting alone need not keep the order.
        for (_, one) in series.enumerated().sorted(by: {
            ($0.element.labels, $0.offset) < ($1.element.labels, $1.offset)
        })
        where sorted.last?.labels != one.labels {
            sorted.append(one)
        }
        series = sorted
    }
}
