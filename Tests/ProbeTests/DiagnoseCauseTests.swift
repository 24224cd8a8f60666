// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOHTTP1
import Testing
import Transport

@testable import Probe

@Suite("Naming the cause")
struct DiagnoseCauseTests {
    typealias Build = DiagnoseEvidenceBuilder

    private func pattern(_ streams: [DiagnoseEvidence.Stream]) throws -> CutPattern? {
        CutPattern(try Build.evidence(streams))
    }

    @Test func streamsThatEndAtOneAgeHaveALimit() throws {
        let pattern = try #require(
            try pattern([
                Build.stream(.plain, age: 15, ending: Build.fin),
                Build.stream(.gzip, startingAt: 0.3, age: 15.05, ending: Build.fin),
                Build.stream(.resume, age: 0.4),
            ]))
        #expect(pattern.kind == .age)
        #expect(abs(pattern.seconds - 15) < 0.1)
        #expect(pattern.cause(try Build.evidence([])).name == .envoyRouteTimeout, "15 s are known")
    }

    /// Varnish counts from its answer, and its first answers may have waited for a backend.
    @Test func anAgeMayCountFromTheAnswer() throws {
        func cut(_ role: StreamRole, after wait: Double) -> DiagnoseEvidence.Stream {
            Build.stream(role, age: 3 + wait, ending: Build.fin) { record in
                record.phases.headReceived = record.started + Int64(wait * 1e9)
            }
        }
        let pattern = try #require(try pattern([cut(.plain, after: 0.7), cut(.gzip, after: 0.01)]))
        #expect(pattern.kind == .age)
        #expect(abs(pattern.seconds - 3) < 0.01)
    }

    @Test func silentStreamsThatEndBesideABusyOneHadAnIdleTimer() throws {
        let pattern = try #require(
            try pattern([
                Build.stream(.plain, age: 2, interval: nil, ending: Build.fin),
                Build.stream(.gzip, startingAt: 0.2, age: 2, interval: nil, ending: Build.fin),
                Build.stream(.calibration, age: 6),
            ]))
        #expect(pattern.kind == .silence)
        #expect(pattern.confidence == .high)
        #expect(pattern.cause(try Build.evidence([])).name == .idleTimeout)
    }

    @Test func envoyClosesASecondAfterItsTimeout() throws {
        let head: HTTPHeaders = ["server": "envoy"]
        let evidence = try Build.evidence([
            Build.stream(.plain, age: 4, lastEvent: 3, ending: Build.fin, headers: head),
            Build.stream(.gzip, startingAt: 0.2, age: 4, lastEvent: 3, ending: Build.fin, headers: head),
            Build.stream(.quiet, age: 4, interval: 1, lastEvent: 2.1, ending: Build.fin, headers: head),
        ])
        let pattern = try #require(CutPattern(evidence))
        #expect(pattern.kind == .age)
        #expect(abs(pattern.seconds - 3) < 0.1)
        #expect(pattern.cause(evidence).name == .envoyRouteTimeout)
    }

    @Test func endsAtAnyAgeHaveNoPattern() throws {
        let pattern = try #require(
            try pattern([
                Build.stream(.plain, age: 1.2, ending: Build.fin), Build.stream(.gzip, age: 4.7, ending: Build.fin),
            ]))
        #expect(pattern.kind == .none)
    }

    @Test func anEndWithinAnEventIsNoTimers() throws {
        let cut = Build.stream(.plain, age: 3, ending: Build.fin) { $0.hasUnfinishedEvent = true }
        #expect(try pattern([cut])?.kind == .insideEvent)
    }

    @Test func anEndThatTheServerMeansIsNoCut() throws {
        #expect(try pattern([Build.stream(.plain, age: 3, ending: .complete)]) == nil)
    }

    @Test func headwaterSaysWhenItEndsAStream() throws {
        let head: HTTPHeaders = ["x-sse-connection": "1"]
        #expect(try pattern([Build.stream(.plain, age: 3, ending: .complete, headers: head)]) != nil)
    }

    @Test func aPageInTheStreamIsHttpdsIfHttpdIsThere() throws {
        for (server, cause) in [("Apache/2.4.71", Cause.httpdErrorInStream), ("other", .foreignContent)] {
            let stream = Build.stream(.plain, age: 2, ending: .complete, headers: ["server": server]) {
                $0.foreignLines = ["<!DOCTYPE HTML PUBLIC>", "<html><head>"]
            }
            let result = DiagnoseResult(try Build.evidence([stream]))
            #expect(result.verdict == .broken)
            #expect(result.causes.first?.name == cause)
            #expect(result.exit == .broken)
        }
    }

    @Test(arguments: [
        (ProbeError.status(404, excerpt: ""), Cause.errorStatus, ProbeExit.notAStream),
        (.redirect(status: 302, location: "/x"), .redirect, .notAStream),
        (.notEventStream(contentType: "text/html", excerpt: ""), .notEventStream, .notAStream),
        (.connection(.refused(addresses: "127.0.0.1 port 1")), .unreachable, .unreachable),
        (.connection(.notHTTP(firstBytes: "SSH")), .notHTTP, .notAStream),
    ])
    func whereThereIsNoStreamTheExitStatusSaysWhy(error: ProbeError, cause: Cause, exit: ProbeExit) throws {
        let stream = Build.stream(.plain, age: 0.01, interval: nil, ending: .failed(error)) { record in
            if error.isUnreachable { record.status = nil }
        }
        let result = DiagnoseResult(try Build.evidence([stream]))
        #expect((result.verdict, result.exit) == (.broken, exit))
        #expect(result.causes.map(\.name) == [cause])
    }

    @Test func compressionIsToBlameIfOnlyTheCompressedStreamIsHeld() throws {
        let nginx: HTTPHeaders = ["server": "nginx"]
        let silent = Build.stream(.gzip, startingAt: 0.1, age: 6, interval: nil, headers: nginx)
        let result = DiagnoseResult(try Build.evidence([Build.stream(.plain, headers: nginx), silent]))
        #expect(result.verdict == .buffered)
        #expect(result.decidedBy == .gzip)
        #expect(result.causes.first?.name == .nginxCompression)
        #expect(result.exit == .buffered)
    }

    @Test func whatIsLikelyToBeSeenIsNamedOnce() {
        let marks = Intermediary.sightings(in: ["server": "nginx/1.22", "via": "1.1 varnish", "x-served-by": "cache-x"])
        #expect(marks.map(\.name) == [.nginx, .fastly], "Fastly is Varnish, and bears its marks")
        #expect(Intermediary.sightings(in: ["server": "gunicorn"]).isEmpty)
    }

    @Test func theDocumentHasEveryCauseInTheSameWords() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(contentsOf: root.appending(path: "docs/diagnosis.md"), encoding: .utf8)
        for cause in Cause.allCases {
            let row = "| `\(cause.rawValue)` | \(cause.text) | \(cause.setting) |"
            #expect(document.contains(row), "docs/diagnosis.md lacks the row \(row)")
        }
        for one in Intermediary.allCases { #expect(document.contains(one.displayName), "\(one)") }
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("_") }
        #expect(rows.count >= Cause.allCases.count - 8)
    }
}
