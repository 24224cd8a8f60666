// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing
import Transport

@testable import Probe

@Suite("The live view's figures")
struct LiveFiguresTests {
    private static func figures(_ recording: Recording, names: [String], duration: Double? = 30) throws
        -> RecordingFigures
    {
        let target = try HTTPTarget("http://127.0.0.1:1/events")
        return RecordingFigures(
            command: "compare", paths: names.map { ProbePath(name: $0, target: target) }, recording: recording,
            duration: duration)
    }

    private static func record(path: Int = 0, attempt: Int = 1, events: Int = 0, status: Int? = 200) -> StreamRecord {
        var record = StreamRecord(path: path, stream: 0, attempt: attempt, started: 0)
        record.status = status
        record.events = events
        return record
    }

    private static let second: Int64 = 1_000_000_000

    @Test func rowsShowStateEventsRateAndPercentiles() throws {
        let recording = Recording()
        var figures = try Self.figures(recording, names: ["direct", "edge"])
        figures.update(now: 0)
        recording.put(ClockTrack([ClockOffset(offset: 0, error: 1, time: 0)]), path: 0)
        for number in 0..<50 {
            let time = Double(number) * 40
            recording.add(Samples.sample(path: 0, published: time, at: time + 2))
        }
        recording.put(Self.record(events: 50))
        figures.update(now: 2 * Self.second)
        let lines = figures.lines(width: 100, style: .plain)
        #expect(lines[0] == "probe compare  2.0 of 30 s  Ctrl-C ends and reports")
        #expect(lines[1].hasPrefix("path         state  events    /s  latency      p50      p99  recent"))
        #expect(lines[2].hasPrefix("direct         200      50  25.0  2.00 ms  2.0"))
        #expect(lines[2].contains("▁▁▁▁▁▁▁▁"))
        #expect(lines[3].hasPrefix("edge    connecting       0   0.0        –        –        –"))
    }

    @Test(arguments: [1, 2, 20, 40, 60, 79, 100, 300])
    func noLineIsWiderThanTheTerminal(width: Int) throws {
        let recording = Recording()
        var figures = try Self.figures(recording, names: [String(repeating: "long ", count: 30), "b"])
        for number in 0..<500 { recording.add(Samples.sample(at: Double(number) * 3)) }
        recording.put(Self.record(attempt: 3, events: 1_234_567))
        figures.update(now: Self.second)
        let lines = figures.lines(width: width, style: .coloured)
        #expect(lines.count == 4)
        for line in lines { #expect(LiveScreen.visibleLength(line) <= width) }
    }

    @Test func aNarrowTerminalKeepsThePercentiles() throws {
        let recording = Recording()
        var figures = try Self.figures(recording, names: ["direct"])
        for number in 0..<10 { recording.add(Samples.sample(at: Double(number) * 100)) }
        recording.put(Self.record(events: 10))
        figures.update(now: Self.second)
        let lines = figures.lines(width: 40, style: .plain)
        #expect(lines[1].contains("p99") && !lines[1].contains("/s"))
        #expect(lines[2].contains("9") && lines[2].hasPrefix("direct"))
    }

    @Test func onlyNewSamplesAreTaken() throws {
        let recording = Recording()
        var figures = try Self.figures(recording, names: ["a"])
        for round in 0..<5 {
            for number in 0..<100 { recording.add(Samples.sample(at: Double(round * 100 + number))) }
            figures.update(now: Int64(round) * Self.second)
        }
        #expect(figures.paths[0].gaps.count == 499)
        #expect(figures.paths[0].recentGaps.count <= 2 * RecordingFigures.recentLimit)
    }

    @Test func aLineForALogNamesEachPath() throws {
        let recording = Recording()
        var figures = try Self.figures(recording, names: ["a", "b"])
        figures.update(now: 0)
        recording.put(Self.record(path: 0, events: 30))
        figures.update(now: 3 * Self.second)
        #expect(
            figures.line
                == "3 s: a 200 30 events 10.0/s gap p50 – p99 –; b connecting 0 events 0.0/s gap p50 – p99 –")
    }

    @Test func aTallyFollowsStreamsThroughTheirLives() {
        var tally = PathTally()
        let opening = Self.record(status: nil)
        tally.note(opening, insteadOf: nil)
        #expect(tally.state == "connecting")
        let open = Self.record(events: 5)
        tally.note(open, insteadOf: opening)
        #expect((tally.open, tally.events, tally.state) == (1, 5, "200"))
        var ended = Self.record(events: 7)
        ended.ended = 1
        ended.ending = .complete
        tally.note(ended, insteadOf: open)
        #expect((tally.open, tally.ended, tally.events, tally.state) == (0, 1, 7, "ended"))
        tally.note(Self.record(attempt: 2, status: nil), insteadOf: nil)
        #expect((tally.attempts, tally.reconnects, tally.state) == (2, 1, "reconnecting"))
    }

    @Test(arguments: [0.0001, 0.05, 1, 17, 250, 9_999])
    func runningPercentilesAreWithinTwoPercent(middle: Double) throws {
        var running = RunningPercentiles()
        let values = (0..<1_001).map { middle * (0.5 + Double($0) / 1_000) }
        for value in values { running.add(value) }
        let exact = try #require(Distribution(values))
        for percent in [1.0, 50, 99] {
            let found = try #require(running.value(atPercentile: percent))
            #expect(abs(found - exact.percentile(percent)) <= max(exact.percentile(percent) * 0.02, 1e-4))
        }
    }

    @Test func runningPercentilesTakeAnyValue() {
        var running = RunningPercentiles()
        for value in [-5, 0, .infinity, -.infinity, .nan, 1e300] { running.add(value) }
        #expect(running.count == 5)
        #expect(running.value(atPercentile: 1) == 0)
    }

    @Test func sparklinesShowOutliersAndKeepNoiseLow() {
        #expect(Sparkline.text([1, 1.1, 1, 1.2], width: 10).allSatisfy { "▁▂".contains($0) })
        #expect(Sparkline.text([1, 1, 100, 1], width: 3) == "▁█▁")
        #expect(Sparkline.text([Double](), width: 5) == "")
        #expect(Sparkline.text([.nan, -1, .infinity], width: 5).count == 3)
    }
}

@Suite("The live view's screen")
struct LiveScreenTests {
    @Test func linesTakeThePlaceOfThoseBefore() {
        var screen = LiveScreen()
        #expect(screen.drawing(["a", "b"], columns: 80, rows: 24) == "\ra\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(screen.drawing(["c"], columns: 80, rows: 24) == "\r\u{1B}[2Ac\u{1B}[K\n\u{1B}[J")
        #expect(screen.erasing(width: 80) == "\r\u{1B}[1A\u{1B}[J")
        #expect(screen.erasing(width: 80) == "\r\u{1B}[J")
    }

    @Test func linesThatANarrowerWindowHasWrappedAreGoneBackOver() {
        var screen = LiveScreen()
        _ = screen.drawing([String(repeating: "x", count: 100), "y"], columns: 120, rows: 24)
        #expect(screen.erasing(width: 40).hasPrefix("\r\u{1B}[4A"))
    }

    @Test func noMoreThanAScreenIsDrawn() {
        var screen = LiveScreen()
        let drawn = screen.drawing((0..<50).map { "\($0)" }, columns: 80, rows: 10)
        #expect(drawn.ranges(of: "\n").count == 9)
    }

    @Test func colourIsNotLength() {
        #expect(LiveScreen.visibleLength(TextStyle.coloured.paint("abc", .red) + "d") == 4)
    }
}
