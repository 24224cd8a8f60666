// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Benchmark
import Workloads

/// Every workload as a benchmark. An iteration is one step, or a thousand, by which the output is divided.
@main
struct MicroBenchmarks: BenchmarkRunnerHooks {
    static func registerBenchmarks() {
        for kind in WorkloadKind.all { self.register(kind) }
    }

    private static func register(_ kind: WorkloadKind) {
        let isShort = kind.steps >= 1000
        let steps = isShort ? 1000 : 1
        let configuration = Benchmark.Configuration(
            // No counts of allocations, which need malloc replaced (see Package.swift), and no CPU time, of which the
            // kernel tells hundredths of a second.
            metrics: [.wallClock, .throughput, .peakMemoryResident],
            scalingFactor: isShort ? .kilo : .one,
            maxDuration: .seconds(1),
            maxIterations: 10_000
        )
        var workload: (any Workload)?
        Benchmark(
            kind.name,
            configuration: configuration,
            closure: { benchmark in
                guard let workload else { return benchmark.error("not made") }
                try workload.prepare(steps)
                benchmark.startMeasurement()
                blackHole(workload.run(steps))
                benchmark.stopMeasurement()
            },
            setup: { workload = try kind.make() },
            teardown: { workload = nil }
        )
    }
}
