// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Reads the answers of an HTTP/1.1 server as a client would, and objects to whatever a client could misread.

enum HTTP1AnswerReader {
    /// The status codes of the final answers in `output`.
    static func read(_ output: [UInt8]) -> [Int] {
        var rest = output[...]
        var statuses: [Int] = []
        var isLast = false
        while !rest.isEmpty {
            require(!isLast, "\(rest.count) bytes behind the answer that closes the connection")
            let lines = head(&rest)
            let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
            require(words.count == 3 && words[0] == "HTTP/1.1", "no status line: \(lines)")
            let status = words.count > 1 ? Int(words[1]) ?? 0 : 0
            require((100...599).contains(status), "status \(status)")
            if status < 200 {
                require(lines.count == 1, "an interim answer with fields: \(lines)")
                continue
            }
            statuses.append(status)
            var fields: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                require(parts.count == 2, "no field: \(line)")
                let name = parts[0].lowercased()
                require(fields[name] == nil, "\(name) twice")
                fields[name] = String(parts[1].dropFirst())
            }
            isLast = fields["connection"] == "close"
            // The answer to a HEAD that was refused: its length without its body.
            if isLast, rest.isEmpty { break }
            body(fields, &rest)
        }
        return statuses
    }

    private static func head(_ rest: inout ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        while true {
            let line = self.line(&rest)
            if line.isEmpty { return lines }
            lines.append(line)
        }
    }

    private static func line(_ rest: inout ArraySlice<UInt8>) -> String {
        guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else {
            require(false, "a line without its end: \(String(decoding: rest, as: UTF8.self))")
            return ""
        }
        defer { rest = rest[(end + 1)...] }
        return String(decoding: rest[..<(end - 1)], as: UTF8.self)
    }

    private static func body(_ fields: [String: String], _ rest: inout ArraySlice<UInt8>) {
        if fields["transfer-encoding"] == "chunked" {
            require(fields["content-length"] == nil, "two kinds of framing")
            // A stream that goes on: its last chunk may be missing.
            while !rest.isEmpty {
                let count = Int(line(&rest), radix: 16) ?? -1
                require(count >= 0 && count <= rest.count, "a chunk of \(count) bytes")
                rest = rest.dropFirst(count)
                require(line(&rest).isEmpty, "a chunk without its end")
                if count == 0 { return }
            }
        } else if let length = fields["content-length"].flatMap({ Int($0) }) {
            if fields["x-no-body"] != nil { return }
            require(length <= rest.count, "a body of \(rest.count) bytes, not \(length)")
            rest = rest.dropFirst(length)
        } else {
            // HTTP/1.0: up to the end of the connection.
            rest = []
        }
    }
}
