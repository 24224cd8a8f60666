// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a collector's answer means for a batch (OTLP specification, "OTLP/HTTP Response"). Pure.
enum OTLPVerdict: Hashable, Sendable {
    /// Taken. Of its spans, `rejected` were not accepted; the message is empty when the collector has nothing to say.
    case delivered(rejected: Int64, message: String)
    /// To be sent again, not before the collector's own delay in nanoseconds if it gave one.
    case retryable(cause: String, after: Int64?)
    /// Never to be sent again.
    case final(SpanDropReason, cause: String)

    /// - Parameter unix: Now, in nanoseconds since the Unix epoch, for a `Retry-After` that is a date.
    init(_ result: OTLPSendResult, unix: Int64) {
        switch result {
        case .notConnected(let reason): self = .retryable(cause: "not connected: \(reason)", after: nil)
        case .lostBeforeResponse(let reason): self = .retryable(cause: "connection lost: \(reason)", after: nil)
        case .timedOut: self = .final(.timeout, cause: "no answer in time")
        case .tooLarge(let status): self = Self.tooLarge(status, unix: unix)
        case .response(let status, let headers, let body):
            switch Self.decoded(body, headers) {
            case .tooLarge: self = Self.tooLarge(status, unix: unix, headers)
            case .unreadable: self = Self.answer(status, headers, body: nil, unix: unix)
            case .bytes(let bytes): self = Self.answer(status, headers, body: bytes, unix: unix)
            }
        }
    }

    /// 429 and 502 to 504 are the only ones that a retry may change ("Retryable Response Codes").
    private static func isRetryable(_ status: Int) -> Bool { status == 429 || (502...504).contains(status) }

    private static func answer(_ status: Int, _ headers: [OTLPHeader], body: [UInt8]?, unix: Int64) -> OTLPVerdict {
        if (200..<300).contains(status) {
            // The status decides: the spans were taken, even when the body says so in no way that we can read.
            guard let partial = body.flatMap(OTLPEncoder.partialSuccess) else {
                return .delivered(rejected: 0, message: "the answer's body is not an ExportTraceServiceResponse")
            }
            return .delivered(rejected: partial.rejectedSpans, message: partial.message)
        }
        var cause = "status \(status)"
        if let message = body.flatMap(OTLPEncoder.statusMessage), !message.isEmpty {
            cause += ": " + String(message.unicodeScalars.prefix(256))
        }
        guard isRetryable(status) else { return .final(.refused, cause: cause) }
        return .retryable(cause: cause, after: Self.retryAfter(headers, unix: unix))
    }

    /// "Treat as a non-retryable error": not even the status helps, unless it alone asks to come back.
    private static func tooLarge(_ status: Int, unix: Int64, _ headers: [OTLPHeader] = []) -> OTLPVerdict {
        guard isRetryable(status) else {
            return .final(.responseTooLarge, cause: "status \(status) with an answer of more than 4 MiB")
        }
        return .retryable(cause: "status \(status)", after: retryAfter(headers, unix: unix))
    }

    private static func retryAfter(_ headers: [OTLPHeader], unix: Int64) -> Int64? {
        guard let field = headers.first(where: { $0.name.lowercased() == "retry-after" }) else { return nil }
        return RetryAfter.delay(field.value, unix: unix)
    }

    private enum Decoded {
        case bytes([UInt8])
        case tooLarge
        case unreadable
    }

    private static func decoded(_ body: [UInt8], _ headers: [OTLPHeader]) -> Decoded {
        if body.count > OTLPRequest.responseLimit { return .tooLarge }
        let encoding = headers.first { $0.name.lowercased() == "content-encoding" }?.value.lowercased() ?? "identity"
        switch encoding {
        case "identity", "": return .bytes(body)
        case "gzip", "x-gzip":
            if body.isEmpty { return .bytes([]) }
            do {
                return .bytes(try Gzip.decompress(body, limit: OTLPRequest.responseLimit))
            } catch .tooLarge {
                return .tooLarge
            } catch {
                return .unreadable
            }
        default: return .unreadable
        }
    }
}

/// The `Retry-After` field (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// Nanoseconds from now, never negative; nil when it is neither.
    static func delay(_ value: String, unix: Int64) -> Int64? {
        let text = Substring(value).trimmingBlanks()
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // What is longer than a century is as good as one, and does not overflow.
            return min(Int64(text) ?? .max, 3_155_760_000) * 1_000_000_000
        }
        return HTTPDateReader.unixSeconds(text).map { max(0, $0 &* 1_000_000_000 &- unix) }
    }
}

/// Reads the three forms of an HTTP date (RFC 9110, section 5.6.7), of which two are obsolete and still must be read.
enum HTTPDateReader {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func unixSeconds(_ text: Substring) -> Int64? {
        var words = text.split(separator: " ").map(String.init)
        guard words.count >= 4 else { return nil }
        if words[0].hasSuffix(",") {
            guard words.last == "GMT" else { return nil }
            words.removeFirst()
            words.removeLast()
            // `06-Nov-94 08:49:37`: a year of two digits in the past half century or the next.
            if words.count == 2 { words = words[0].split(separator: "-").map(String.init) + [words[1]] }
            guard words.count == 4 else { return nil }
            return seconds(day: words[0], month: words[1], year: words[2], time: words[3])
        }
        // `Sun Nov  6 08:49:37 1994`
        guard words.count == 5 else { return nil }
        return seconds(day: words[2], month: words[1], year: words[4], time: words[3])
    }

    private static func seconds(day: String, month: String, year: String, time: String) -> Int64? {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { number($0, digits: 2...2) }
        guard let day = number(day, digits: 1...2), (1...31).contains(day),
            let month = months.firstIndex(of: month).map({ Int64($0) + 1 }),
            var fullYear = number(year, digits: 2...4), year.utf8.count != 3, clock.count == 3,
            let hour = clock[0], hour < 24, let minute = clock[1], minute < 60, let second = clock[2], second <= 60
        else { return nil }
        if year.utf8.count == 2 { fullYear += fullYear < 70 ? 2000 : 1900 }
        let days = UTCTime.day(year: fullYear, month: month, day: day)
        // February 30 is no day.
        guard UTCTime.date(day: days) == (fullYear, month, day) else { return nil }
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: some StringProtocol, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
