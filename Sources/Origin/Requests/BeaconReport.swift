// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a receiver says of its own delivery lag, once it knows how far its clock is off: see docs/http.md.

import FoundationEssentials
import NIOCore

/// A checked report.
struct BeaconReport: Equatable {
    /// Bytes of a report's body.
    static let maximumBytes = 8 * 1024
    private static let maximumLags = 256
    /// A day; what is more is a broken clock.
    private static let longestLag = 86_400_000.0

    let path: String
    /// Seconds, not negative.
    let lags: [Double]

    struct Invalid: Error, Equatable {
        let detail: String
    }

    private struct Body: Decodable {
        let path: String?
        let lagsMs: [Double]
        let offsetErrorMs: Double?

        enum CodingKeys: String, CodingKey {
            case path
            case lagsMs = "lags_ms"
            case offsetErrorMs = "offset_error_ms"
        }
    }

    init(_ body: ByteBuffer) throws(Invalid) {
        guard let report = try? JSONDecoder().decode(Body.self, from: Data(body.readableBytesView)) else {
            throw Invalid(
                detail:
                    "Send JSON: {\"path\": \"NAME\", \"lags_ms\": [12.5], \"offset_error_ms\": 0.4}; only lags_ms is needed."
            )
        }
        guard let path = DeliveryPath.token(report.path ?? DeliveryPath.direct) else {
            throw Invalid(detail: "path must be 1 to 64 of the characters A-Z a-z 0-9 - . _ :")
        }
        guard 1...Self.maximumLags ~= report.lagsMs.count else {
            throw Invalid(detail: "lags_ms has \(report.lagsMs.count) numbers; send 1 to \(Self.maximumLags).")
        }
        let error = report.offsetErrorMs ?? 0
        guard 0...10_000 ~= error else {
            throw Invalid(detail: "offset_error_ms must be 0 to 10000: estimate the offset again with GET /time.")
        }
        // As much before its publish as the offset may be wrong, an event can seem to have come.
        guard report.lagsMs.allSatisfy({ -error...Self.longestLag ~= $0 }) else {
            throw Invalid(
                detail: "lags_ms must be from -offset_error_ms to 86400000: estimate the offset again with GET /time."
            )
        }
        self.path = path
        self.lags = report.lagsMs.map { max(0, $0) / 1000 }
    }
}
