// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import FoundationEssentials

/// Reports as JSON (RFC 8259): one object, names in snake case, sorted, so that two reports can be compared as text.
public enum ReportJSON {
    /// - Parameter seriesLimit: how many points of a series may remain, for a page that draws it; nil for all.
    public static func encode(_ report: some Encodable, isPretty: Bool = true, seriesLimit: Int? = nil) -> String {
        let encoder = JSONEncoder()
        if let key = CodingUserInfoKey.seriesLimit { encoder.userInfo[key] = seriesLimit }
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = isPretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys]
        // A quotient of nothing must not lose the whole report.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return String(decoding: try encoder.encode(report), as: UTF8.self)
        } catch {
            return "{\"error\":\"the report cannot be encoded\"}"
        }
    }

    /// Seconds since the Unix epoch as RFC 3339 in UTC, to the millisecond.
    public static func timestamp(unixNanoseconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: Double(unixNanoseconds / 1_000_000) / 1_000)
        return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

extension CodingUserInfoKey {
    /// How many points of a series are encoded, an Int; see ``Decimation``.
    static let seriesLimit = CodingUserInfoKey(rawValue: "seriesLimit")
}
