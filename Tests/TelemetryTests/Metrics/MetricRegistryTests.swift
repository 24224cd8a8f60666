// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct MetricRegistryTests {
    let catalogue = SampleCatalogue()

    @Test func theCellsOfAllLoopsAreMerged() async throws {
        let registry = MetricRegistry()
        let snapshots = (1...5).map { number in
            let cells = MetricCells(catalogue.layout)
            cells.add(UInt64(number), to: catalogue.openedH2)
            return cells.snapshot()
        }
        try registry.register(catalogue.layout, sources: snapshots.map { snapshot in { snapshot } })
        #expect(await registry.collect().value(of: SampleCatalogue.opened, #"{protocol="h2"}"#) == .unsigned(15))
    }

    @Test func familiesOfAllKindsOfSourcesComeInOneOrder() async throws {
        let registry = MetricRegistry()
        let late = MetricFamily.gauge("z", help: "x", labels: ["l"])
        let early = MetricFamily.gauge("a", help: "x")
        try registry.register([late, early]) {
            let values: [(labelValues: [String], value: MetricValue)] = [
                (["b"], .unsigned(1)), (["a"], .unsigned(2)), (["c"], .unsigned(3)),
            ]
            return [MetricFamilySamples(late, values), MetricFamilySamples(early, .unsigned(4))]
        }
        try registry.register(catalogue.layout, sources: [])
        try registry.register(.buildInfo("m_build_info", help: "x", labels: ["version": "1\"2", "a": "b"]))
        let all = await registry.collect()
        #expect(
            all.map(\.family.name) == [
                "a", "m_build_info", "sample_connection_size", "sample_lag_seconds", "sample_streams_active",
                "sample_streams_opened_total", "z",
            ])
        #expect(all.last?.series.map(\.labels.description) == [#"{l="a"}"#, #"{l="b"}"#, #"{l="c"}"#])
        #expect(all.text().contains("\nm_build_info{version=\"1\\\"2\",a=\"b\"} 1\n"))
    }

    @Test func aCollectorCannotBreakTheScrape() async throws {
        let registry = MetricRegistry()
        let declared = MetricFamily.gauge("a", help: "x", labels: ["l"])
        try registry.register([declared]) {
            let twice: [(labelValues: [String], value: MetricValue)] = [
                (["2"], .unsigned(1)), (["1"], .unsigned(2)), (["2"], .unsigned(3)),
            ]
            return [
                MetricFamilySamples(declared, twice),
                MetricFamilySamples(declared, [(["9"], .unsigned(9))]),
                MetricFamilySamples(.gauge("undeclared", help: "x"), .unsigned(1)),
            ]
        }
        #expect(
            await registry.collect().text() == """
                # HELP a x
                # TYPE a gauge
                a{l="1"} 2
                a{l="2"} 1

                """)
    }

    @Test func familiesWithoutSeriesAreLeftOut() async throws {
        let registry = MetricRegistry()
        let family = MetricFamily.gauge("a", help: "x")
        try registry.register([family]) { [MetricFamilySamples(family, [MetricSeries]())] }
        #expect(await registry.collect().isEmpty)
    }

    @Test func aNameIsTakenOnce() throws {
        let registry = MetricRegistry()
        try registry.register(catalogue.layout, sources: [])
        for (name, owner) in [
            ("sample_streams_active", "sample_streams_active"), ("sample_lag_seconds", "sample_lag_seconds"),
            ("sample_streams_opened", "sample_streams_opened_total"),
        ] {
            #expect(throws: MetricProblem(metric: name, reason: .nameIsTaken(by: owner))) {
                try registry.register([.gauge(name, help: "x")]) { [] }
            }
        }
        #expect(throws: MetricProblem.self) { try registry.register(catalogue.layout, sources: []) }
    }

    @Test func aRefusedRegistrationTakesNoName() throws {
        let registry = MetricRegistry()
        let good = MetricFamily.gauge("good", help: "x")
        let bad = MetricFamily.gauge("bad", help: "")
        #expect(throws: MetricProblem(metric: "bad", reason: .noHelp)) {
            try registry.register([good, bad]) { [] }
        }
        #expect(throws: MetricProblem(metric: "good", reason: .nameIsTaken(by: "good"))) {
            try registry.register([good, good]) { [] }
        }
        try registry.register([good]) { [] }
    }

    @Test func sourcesAreAskedAtTheSameTime() async throws {
        let registry = MetricRegistry()
        // Each source waits for the other to have been asked; asked one after the other they would wait for ever.
        let (first, tellFirst) = AsyncStream<Void>.makeStream()
        let (second, tellSecond) = AsyncStream<Void>.makeStream()
        let snapshot = MetricSnapshot(catalogue.layout)
        try registry.register(
            catalogue.layout,
            sources: [
                {
                    tellFirst.finish()
                    for await _ in second {}
                    return snapshot
                },
                {
                    tellSecond.finish()
                    for await _ in first {}
                    return snapshot
                },
            ]
        )
        #expect(await registry.collect().count == 4)
    }
}
