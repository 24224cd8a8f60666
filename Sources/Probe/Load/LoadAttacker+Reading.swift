// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

// How a loop with thousands of HTTP/1.1 streams reads: past NIO, as soon as there is much to read.
extension LoadAttacker {
    /// Called every second: takes the connections over that are open by now.
    func renewReading() {
        coalescing.renew()
        guard applicationProtocol != .http2, poll != nil || coalescing.isActive else { return }
        if poll == nil {
            poll = HTTP1BodyPoll()
            if poll != nil { loop.assumeIsolated().scheduleTask(in: Self.shortestDelay) { self.readDirectly() } }
        }
        guard let poll else { return }
        for case .some(let connection) in connections where connection.role == .reader && !connection.isAdopted {
            if let link = connection.link, !connection.isClosed { connection.isAdopted = poll.adopt(link) }
        }
    }

    /// One round: read what is there, then give the loop its turn for all else, and more events time to gather.
    private func readDirectly() {
        guard let poll, !isStopping else { return }
        // With nothing else to do, the poll may wait itself: what comes is then seen at once.
        let now = Clock.monotonic()
        let isQuiet = underWay == 0 && (nextDue.map { $0 - now > Self.longestWait } ?? true)
        let found = poll.poll(timeout: isQuiet ? Int32(Self.longestWait / 1_000_000) : 0)
        let goesOnAtOnce = found >= LoadCoalescing.shortTurn || found == 0 && isQuiet
        let pause = goesOnAtOnce ? Self.shortestDelay : max(Self.shortestDelay, coalescing.pauseTime)
        loop.assumeIsolated().scheduleTask(in: pause) { self.readDirectly() }
    }

    /// How long heads and ends of other connections may wait.
    private static let longestWait: Int64 = 4_000_000
    /// NIO runs what is due, and what that makes due, before it looks at sockets again. So who comes back to let sockets
    /// have their turn must not be due at once.
    static let shortestDelay = TimeAmount.microseconds(10)
}
