// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Log lines on standard error: text for a terminal, one JSON object a line otherwise. Writing happens on a queue of
// its own, so that a reader who stalls never holds an event loop up.

import Dispatch
import Logging
import Synchronization

/// Where all loggers of the process write. Safe from any thread.
final class LogSink: Sendable {
    /// Lines that wait to be written; those beyond are dropped, and the next line says how many.
    static let capacity = 8192

    private let queue = DispatchQueue(label: "headwater.log")
    private let waiting = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)

    func logger(configuration: ServeConfiguration) -> Logger {
        let isText: Bool
        switch configuration.logFormat {
        case .auto: isText = StandardError.isTerminal
        case .text: isText = true
        case .json: isText = false
        }
        let level = configuration.logLevel
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, sink: self, isText: isText, logLevel: level)
        }
        return Logger(label: "headwater")
    }

    func write(_ line: String) {
        guard self.waiting.add(1, ordering: .relaxed).newValue <= Self.capacity else {
            self.waiting.subtract(1, ordering: .relaxed)
            self.dropped.add(1, ordering: .relaxed)
            return
        }
        self.queue.async {
            let dropped = self.dropped.exchange(0, ordering: .relaxed)
            if dropped > 0 {
                StandardError.write("{\"level\":\"warning\",\"message\":\"log lines dropped\",\"count\":\(dropped)}\n")
            }
            StandardError.write(line)
            self.waiting.subtract(1, ordering: .relaxed)
        }
    }

    /// Waits until everything given so far is written.
    func flush() { self.queue.sync {} }
}
