// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import NIOHTTP1
import Telemetry
import Testing
import Transport

@testable import Probe

@Suite("The canary")
struct WatchTests {
    @Test(
        arguments: [
            (0, nil, 3_000), (1, nil, 3_000), (2, nil, 6_000), (3, 500, 2_000), (20, 500, 30_000), (1, 0, 100),
            (9, 60_000, 60_000),
        ] as [(Int, Int?, Int)])
    func thePauseDoublesWithEachFailureInARow(failures: Int, retry: Int?, milliseconds: Int) {
        #expect(Canary.pause(after: failures, retry: retry) == .milliseconds(milliseconds))
    }

    @Test func aBeaconIsWhatTheOriginTakes() {
        let body = BeaconSender.body([1_500_000, -20_000], path: "a \"b\"", error: 85_000)
        let text = String(buffer: body)
        #expect(text == #"{"lags_ms":[1.500,-0.020],"offset_error_ms":0.086,"path":"a \"b\""}"#)
    }

    @Test func everyMetricIsThereFromTheFirstScrapeAndWithoutMistake() async throws {
        let registry = MetricRegistry()
        _ = try WatchMetrics(registry.makeDynamicMetrics(), paths: ["edge"])
        #expect(WatchMetrics.families.flatMap(\.problems).isEmpty)
        let text = String(
            decoding: await registry.scrape(accept: [], acceptEncoding: []).body, as: UTF8.self)
        for outcome in WatchMetrics.Outcome.allCases {
            #expect(text.contains("sse_probe_streams_ended_total{path=\"edge\",outcome=\"\(outcome.rawValue)\"} 0"))
        }
        for defect in WatchMetrics.Defect.allCases {
            #expect(text.contains("sse_probe_event_defects_total{path=\"edge\",defect=\"\(defect.rawValue)\"} 0"))
        }
        #expect(text.contains("sse_probe_up{path=\"edge\"} 0"))
    }

    /// The first cells of the rows of docs/probe-watch.md that open with a word in backticks.
    private static func documented() throws -> [[String]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/probe-watch.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "`", with: "")
            }
        }
    }

    @Test func everyMetricSpanAndAttributeHasOneRowAndEveryRowOne() throws {
        let rows = try Self.documented()
        let known =
            WatchMetrics.families.map(\.name) + WatchSpan.allCases.map(\.rawValue) + WatchKey.all.map(\.name)
        #expect(rows.map { $0[0] }.sorted() == known.sorted())
        for family in WatchMetrics.families {
            let row = try #require(rows.first { $0[0] == family.name })
            #expect(row[1] == family.kind.word, "\(family.name)")
            #expect(row[2] == family.labelNames.joined(separator: ", "), "\(family.name)")
        }
    }

    @Test func eventsFromBeforeTheStreamHaveNoLag() throws {
        let registry = MetricRegistry()
        let path = ProbePath(name: "p", target: try HTTPTarget("http://127.0.0.1/"))
        let sink = WatchSink(path: path, metrics: try WatchMetrics(registry.makeDynamicMetrics(), paths: ["p"]))
        sink.add(ClockOffset(offset: 0, error: 1_000, time: 0))
        sink.put(StreamRecord(path: 0, stream: 0, attempt: 1, started: 100_000_000))
        sink.add(Samples.sample(sequence: 1, published: 40, at: 110))
        sink.add(Samples.sample(number: 2, sequence: 2, published: 105, at: 112))
        #expect(sink.takeLags().lags == [7_000_000])
        #expect(sink.takeLags().lags.isEmpty)
    }

    @Test func lagsThatWaitForABeaconAreBounded() throws {
        let registry = MetricRegistry()
        let path = ProbePath(name: "p", target: try HTTPTarget("http://127.0.0.1/"))
        let sink = WatchSink(path: path, metrics: try WatchMetrics(registry.makeDynamicMetrics(), paths: ["p"]))
        sink.add(ClockOffset(offset: 0, error: 1_000, time: 0))
        for number in 1...1_000 {
            sink.add(Samples.sample(sequence: Int64(number), published: Double(number), at: Double(number) + 1))
        }
        #expect(sink.takeLags().lags.count == WatchSink.lagLimit)
        #expect(sink.total.lost == 0)
    }
}
