// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The diagnosis for people: verdict, cause and setting first, then what it rests on.
extension DiagnoseResult {
    public func text(_ style: TextStyle) -> [String] {
        var lines = heading(style)
        for cause in causes { lines += [""] + text(of: cause, style) }
        lines += ["", style.paint("streams", .bold)] + streamTable
        lines += ["", style.paint("path", .bold)] + pathLines
        return lines
    }

    private func heading(_ style: TextStyle) -> [String] {
        let tone: TextStyle.Tone =
            switch verdict {
            case .progressive: .green
            case .coalesced, .undecided: .yellow
            case .buffered, .broken: .red
            }
        return ["\(style.paint(verdict.rawValue.uppercased(), tone))  \(url)"]
            + Self.wrap("\(reason) (\(confidence.rawValue) confidence, by \(basis.words))", indent: "  ")
    }

    private func text(of cause: Cause.Found, _ style: TextStyle) -> [String] {
        Self.wrap("\(cause.text) (\(cause.confidence.rawValue) confidence)", first: "cause    ", indent: "         ")
            + Self.wrap(cause.setting, first: "change   ", indent: "         ")
            + cause.evidence.flatMap { Self.wrap($0, first: "evidence ", indent: "         ") }
    }

    private var streamTable: [String] {
        let rows = streams.map { stream -> [String] in
            let name = stream.attempt > 1 ? "\(stream.role.rawValue) again" : stream.role.rawValue
            let hold = stream.delivery?.figures.holdMs
            return [
                name, stream.httpVersion ?? "–", stream.status.map(String.init) ?? "–",
                TextStyle.milliseconds(stream.headMs?.rounded()),
                TextStyle.milliseconds(stream.firstEventMs?.rounded()),
                String(stream.events), String(stream.comments), stream.contentEncoding ?? "–",
                stream.delivery?.verdict.rawValue ?? "–", TextStyle.milliseconds(hold?.rounded()),
            ]
        }
        return TextStyle.table(
            [["", "protocol", "code", "head", "1st event", "events", "comments", "coding", "delivery", "hold"]]
                + rows
        ).map { "  " + $0 }
    }

    private var pathLines: [String] {
        var rows: [(String, String)] = []
        let marks = intermediaries.map { "\($0.name.displayName) (\($0.evidence))" }.joined(separator: ", ")
        rows.append(("origin", isHeadwater ? "Headwater" : "unknown server"))
        rows.append(("between", marks.isEmpty ? "nobody left a mark in the head" : marks))
        let offers = protocols.filter { $0.isOffered != nil }
            .map { "\($0.name.rawValue) \($0.isOffered == true ? "yes" : "no")" }
        rows.append(("protocols", offers.isEmpty ? "only the one in use was tried" : offers.joined(separator: ", ")))
        rows.append(("heartbeats", heartbeats.text))
        rows.append(("reconnect", resume.text + (resume.retryMs.map { "; retry: \($0) ms" } ?? "")))
        for change in headerChanges {
            let value = change.received.map { " (\($0))" } ?? ""
            rows.append(("head", "\(change.field) \(change.kind.rawValue)\(value): \(change.meaning)"))
        }
        if let line = foreignLines.first { rows.append(("foreign", line)) }
        if wasSentOnce { rows.append(("request", "sent once; --repeat allows the checks that need more")) }
        return rows.flatMap { name, value in
            let label = name + String(repeating: " ", count: max(0, 11 - name.count))
            return Self.wrap(value, first: "  " + label, indent: "             ")
        }
    }

    /// Lines of at most 100 columns.
    static func wrap(_ text: String, first: String? = nil, indent: String) -> [String] {
        var lines: [String] = []
        var line = first ?? indent
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + word.count + 1 > 100 {
                lines.append(line)
                (line, isEmpty) = (indent, true)
            }
            line += isEmpty ? "\(word)" : " \(word)"
            isEmpty = false
        }
        return lines + [line]
    }
}

extension DeliveryBasis {
    var words: String {
        switch self {
        case .publishTimes: "the publish times in the events"
        case .otherStreams: "the same events on other streams"
        case .arrivals: "what came and when"
        case .nothing: "nothing that came"
        }
    }
}
