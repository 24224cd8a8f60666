// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Transport

@testable import Probe

/// Evidence as tests want it: streams by role, in seconds, with heads and ends.
enum DiagnoseEvidenceBuilder {
    static let fin = StreamEnding.failed(.connection(.ended(HTTPConnectionEnd(cause: .fin), .body)))

    static func evidence(_ streams: [DiagnoseEvidence.Stream], url: String = "http://h/e") throws -> DiagnoseEvidence {
        DiagnoseEvidence(path: ProbePath(name: "h", target: try HTTPTarget(url)), streams: streams)
    }

    /// One event each `interval` seconds until `age`, or until `lastEvent`.
    static func stream(
        _ role: StreamRole,
        attempt: Int = 1,
        startingAt start: Double = 0,
        age: Double = 6,
        interval: Double? = 0.1,
        lastEvent: Double? = nil,
        firstID: Int = 1,
        ending: StreamEnding = .stopped,
        headers: HTTPHeaders = ["content-type": "text/event-stream"],
        change: (inout StreamRecord) -> Void = { _ in }
    ) -> DiagnoseEvidence.Stream {
        func time(_ seconds: Double) -> Int64 { 1_000_000_000_000 + Int64((start + seconds) * 1e9) }
        var record = StreamRecord(path: role.index, stream: 0, attempt: attempt, started: time(0))
        record.status = 200
        record.headers = headers
        record.phases.requestWritten = time(0)
        record.phases.headReceived = time(0.001)
        record.ended = time(age)
        record.ending = ending
        var samples: [EventSample] = []
        if let interval {
            let count = Int(((lastEvent ?? age) - 0.001) / interval)
            samples = (0..<max(0, count)).map { place in
                // The same events for all: their ids are the periods since the beginning.
                let id = firstID + Int((start / interval).rounded()) + place
                let at = start * 1_000 + Double(place + 1) * interval * 1_000
                return Samples.sample(
                    path: role.index, number: place + 1, id: "\(id)", at: 1_000_000 + at, read: UInt64(place + 1),
                    digest: UInt64(id))
            }
        }
        record.events = samples.count
        record.lastEventID = samples.last?.id ?? ""
        record.silences.end(at: samples.last?.lastByte ?? time(0.001), head: time(0.001))
        change(&record)
        return DiagnoseEvidence.Stream(role: role, record: record, samples: samples, until: time(age))
    }
}
