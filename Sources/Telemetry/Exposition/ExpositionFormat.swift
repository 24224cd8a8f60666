// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The two formats of a scrape, and which of them a request gets.
///
/// Negotiation follows RFC 9110, section 12.5.1, with two decisions of its own. OpenMetrics is chosen only if it is
/// preferred or named: whoever accepts everything, such as a browser or `curl`, gets the format that any tool reads.
/// And there is always an answer: a header that is malformed, oversized or accepts neither format gets text 0.0.4,
/// because a scraper can do more with that than with 406.
///
/// What Prometheus sends, by version:
///
///     2.x  application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,
///          text/plain;version=0.0.4;q=0.5,*/*;q=0.1
///     3.x  application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,
///          application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,
///          text/plain;version=0.0.4;q=0.3,*/*;q=0.2
public enum ExpositionFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus text 0.0.4.
    case text
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// The value of `Content-Type`.
    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format for these values of `Accept`, in the order of the request; none is the same as `*/*`.
    public static func negotiate(accept: [String]) -> ExpositionFormat {
        var text = Preference()
        var openMetrics = Preference()
        for range in WeightedValue.parse(accept) {
            let version = range.parameters.last { $0.name == "version" }?.value
            switch range.value {
            case "*/*":
                text.consider(range.weight, specificity: 0)
                openMetrics.consider(range.weight, specificity: 0)
            case "text/*": text.consider(range.weight, specificity: 1)
            case "application/*": openMetrics.consider(range.weight, specificity: 1)
            case "text/plain" where version == nil: text.consider(range.weight, specificity: 2)
            case "text/plain" where version == "0.0.4": text.consider(range.weight, specificity: 3)
            case "application/openmetrics-text" where version == nil:
                openMetrics.consider(range.weight, specificity: 2)
            case "application/openmetrics-text" where version == "1.0.0":
                openMetrics.consider(range.weight, specificity: 3)
            default: break
            }
        }
        if openMetrics.weight == 0 { return .text }
        if openMetrics.weight == text.weight { return openMetrics.specificity >= 2 ? .openMetrics : .text }
        return openMetrics.weight > text.weight ? .openMetrics : .text
    }

    /// What a header says about one format: its most specific range decides, and of equal ones the best.
    private struct Preference {
        var weight = 0
        var specificity = -1

        mutating func consider(_ weight: Int, specificity: Int) {
            if specificity > self.specificity {
                self = Preference(weight: weight, specificity: specificity)
            } else if specificity == self.specificity {
                self.weight = max(self.weight, weight)
            }
        }
    }
}

/// Whether the body of an answer is compressed.
public enum ExpositionCoding: Sendable, Hashable {
    case identity
    case gzip

    /// The value of `Content-Encoding`, if there is to be one.
    public var contentEncoding: String? { self == .gzip ? "gzip" : nil }

    /// The coding for these values of `Accept-Encoding` (RFC 9110, section 12.5.3): gzip if it is accepted and nothing
    /// says that the plain body is preferred. Where neither is accepted the body is plain.
    public static func negotiate(acceptEncoding: [String]) -> ExpositionCoding {
        var gzip: Int?
        var identity: Int?
        var any: Int?
        for coding in WeightedValue.parse(acceptEncoding) {
            switch coding.value {
            // Section 8.4.1.3: x-gzip is the same.
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, coding.weight)
            case "identity": identity = max(identity ?? 0, coding.weight)
            case "*": any = max(any ?? 0, coding.weight)
            default: break
            }
        }
        let weight = gzip ?? any ?? 0
        return weight > 0 && weight >= identity ?? 0 ? .gzip : .identity
    }
}
