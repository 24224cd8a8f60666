// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// From what was recorded of a stream to what timers are judged by.
extension HeldStream {
    /// - Parameters:
    ///   - start: the run's, in monotonic nanoseconds; `now` likewise.
    /// - Returns: nil for a stream that has not got its response yet, or got none that is a stream.
    init?(_ record: StreamRecord, role: Role, start: Int64, now: Int64) {
        guard record.status == 200, let head = record.phases.headReceived,
            ResponseCheck.isEventStream(record.headers.first(name: "content-type") ?? "")
        else { return nil }
        func seconds(_ time: Int64) -> Double { (time - start).seconds }
        number = record.stream
        self.role = role
        opened = seconds(record.phases.requestWritten ?? record.started)
        let isPage = StreamCut.isPage(record.foreignLines)
        // A page in the stream is a hop's, and its bytes end no silence of the origin's.
        let silences = isPage ? record.silencesBeforeForeign ?? record.silences : record.silences
        lastArrival = seconds(silences.last ?? head)
        longestPause = silences.longest.seconds
        clientConnection = record.connection?.number
        originConnection = OriginConnection(record.headers)?.id
        until = seconds(record.ended ?? now)
        guard let ended = record.ended, let ending = record.ending,
            let how = StreamCut(ending, hasPage: isPage)
        else { return }
        end = End(at: seconds(ended), how: how)
    }
}
