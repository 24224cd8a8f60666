// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One span as one line for people, as `--trace-log` and `OTEL_TRACES_EXPORTER=console` print it. Not for machines:
/// those read OTLP/JSON.
///
/// `2026-11-22T16:40:01.123456Z 12.345ms server "GET /events" trace=… span=… parent=… http.route=/events`
public enum SpanLine {
    public static func text(_ span: FinishedSpan) -> String {
        var line = "\(UTCTime.text(unixNanoseconds: span.start)) \(milliseconds(span.duration))ms \(span.kind) "
        line += quoted(span.name)
        line += " trace=\(span.context.traceID) span=\(span.context.spanID)"
        if let parent = span.parentID { line += " parent=\(parent)\(span.parentIsRemote ? "(remote)" : "")" }
        switch span.status {
        case .unset: break
        case .ok: line += " status=ok"
        case .error(let message): line += " status=error" + (message.isEmpty ? "" : ":" + word(message))
        }
        for attribute in span.attributes { line += " \(word(attribute.key.name))=\(text(attribute.value))" }
        for event in span.events { line += " event=\(word(event.name))@\(milliseconds(event.time - span.start))ms" }
        for link in span.links { line += " link=\(link.context.traceID)/\(link.context.spanID)" }
        let drops = span.dropped
        if drops != SpanDrops() { line += " dropped=\(drops.attributes)/\(drops.events)/\(drops.links)" }
        return line
    }

    private static func text(_ value: AttributeValue) -> String {
        switch value {
        case .string(let text): word(text)
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .strings(let values): "[" + values.map(word).joined(separator: ",") + "]"
        case .ints(let values): "[" + values.map { "\($0)" }.joined(separator: ",") + "]"
        case .doubles(let values): "[" + values.map { "\($0)" }.joined(separator: ",") + "]"
        case .bools(let values): "[" + values.map { "\($0)" }.joined(separator: ",") + "]"
        }
    }

    /// As it is when it is one plain word, else in quotes.
    private static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x3D }
        return isPlain && !text.isEmpty ? text : quoted(text)
    }

    /// A value comes from outside: no control character may end the line or move the terminal's cursor.
    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                    output += "\\u{\(String(scalar.value, radix: 16))}"
                default: output.unicodeScalars.append(scalar)
                }
            }
        }
        return output + "\""
    }

    private static func milliseconds(_ nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let microseconds = nanoseconds.magnitude / 1000
        return "\(sign)\(microseconds / 1000).\(UTCTime.padded(Int64(microseconds % 1000), 3))"
    }
}

/// A Unix time in the calendar, without a library: `civil_from_days` of the proleptic Gregorian calendar.
enum UTCTime {
    /// RFC 3339 with microseconds.
    static func text(unixNanoseconds time: Int64) -> String {
        let second = floorDivision(time, 1_000_000_000)
        let microsecond = (time - second * 1_000_000_000) / 1000
        let day = floorDivision(second, 86_400)
        let inDay = second - day * 86_400
        let (year, month, dayOfMonth) = date(day: day)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(padded(inDay / 3600, 2)):"
            + "\(padded(inDay / 60 % 60, 2)):\(padded(inDay % 60, 2)).\(padded(microsecond, 6))Z"
    }

    /// Days since 1970-01-01 to a date. Years start in March, so that a leap day is a year's last.
    static func date(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floorDivision(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// A date to days since 1970-01-01.
    static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floorDivision(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivision(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : -((by - 1 - value) / by)
    }
}
