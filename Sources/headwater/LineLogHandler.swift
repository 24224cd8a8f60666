// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Renders one log event as one line.

import FoundationEssentials
import Logging
import NIOCore
import Transport

struct LineLogHandler: LogHandler {
    let label: String
    let sink: LogSink
    let isText: Bool
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(label: String, sink: LogSink, isText: Bool, logLevel: Logger.Level) {
        self.label = label
        self.sink = sink
        self.isText = isText
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = self.metadata
        if let own = event.metadata { fields.merge(own) { $1 } }
        let pairs = fields.map { ($0.key, $0.value.description) }.sorted { $0.0 < $1.0 }
        let time = Date().ISO8601Format(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let message = event.message.description
        self.sink.write(
            self.isText
                ? Self.text(time: time, level: event.level, message: message, fields: pairs)
                : Self.json(time: time, level: event.level, label: self.label, message: message, fields: pairs)
        )
    }

    static func text(time: String, level: Logger.Level, message: String, fields: [(String, String)]) -> String {
        let rest = fields.map { " \($0)=\(self.isPlain($1) ? $1 : self.quoted($1))" }.joined()
        let message = message.utf8.contains { $0 < 0x20 || $0 == 0x7F } ? self.quoted(message) : message
        return "\(time) \(level.rawValue) \(message)\(rest)\n"
    }

    /// What comes from outside must not break a line, nor reach the terminal as a control sequence.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSONString(text)
        return String(buffer: buffer)
    }

    /// Quantities are written as JSON numbers, so that a log store can compare them. Decided by the name, so that a
    /// field has one type, whatever a channel is called.
    static func json(
        time: String,
        level: Logger.Level,
        label: String,
        message: String,
        fields: [(String, String)]
    ) -> String {
        var line = ByteBuffer(string: "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"logger\":")
        line.writeJSONString(label)
        line.writeString(",\"message\":")
        line.writeJSONString(message)
        for (name, value) in fields {
            line.writeString(",")
            line.writeJSONString(name)
            line.writeString(":")
            if Self.isQuantity(name), Self.isNumber(value) {
                line.writeString(value)
            } else {
                line.writeJSONString(value)
            }
        }
        line.writeString("}\n")
        return String(buffer: line)
    }

    private static func isQuantity(_ name: String) -> Bool {
        name.hasSuffix("_seconds") || name.hasSuffix("_bytes") || Self.counts.contains(name)
    }

    private static let counts: Set = ["bytes", "connection", "events", "request", "streams"]

    /// Digits with at most one point inside, and no leading zero: what RFC 8259, section 6 allows of it.
    private static func isNumber(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { 48...57 ~= $0 } }) else {
            return false
        }
        return text.utf8.count <= 15 && (parts[0].utf8.count == 1 || parts[0].first != "0")
    }
}
