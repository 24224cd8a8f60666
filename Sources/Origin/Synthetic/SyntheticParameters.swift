// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The parameters of a measurement channel, `GET /events?interval=100&size=256&duration=30&profile=steady`. Equal
// parameters name the same channel, so that streams on different paths can be compared event by event.

/// How a measurement channel spreads its events in time.
enum SyntheticProfile: String, Sendable, CaseIterable {
    /// One event each interval.
    case steady
    /// Like the tokens of a language model: short gaps around the interval, and a pause now and then.
    case llm
    /// Eight events at once, then eight intervals of silence.
    case burst
}

/// Names a measurement channel. The duration is not part of it: it belongs to the stream.
struct SyntheticParameters: Sendable, Hashable {
    var intervalMilliseconds = 100
    var sizeBytes = 256
    var profile = SyntheticProfile.steady
    /// Makes the pauses of ``SyntheticProfile/llm`` reproducible.
    var seed: UInt64 = 1

    static let intervalBounds = 10...60_000
    static let sizeBounds = 64...65_536
    static let durationBounds = 1...86_400

    var text: String {
        "events?interval=\(self.intervalMilliseconds)&size=\(self.sizeBytes)&profile=\(self.profile.rawValue)"
            + "&seed=\(self.seed)"
    }

    /// What a query asks for: the channel, and for how many seconds (`nil`: until someone leaves).
    struct Request: Equatable {
        var parameters = SyntheticParameters()
        var durationSeconds: Int?
    }

    struct Invalid: Error, Equatable {
        /// Names the parameter, the value and what is allowed.
        let detail: String
    }

    static func parse(_ query: Query) throws(Invalid) -> Request {
        var request = Request()
        if let value = try self.number("interval", in: query, bounds: self.intervalBounds, unit: "milliseconds") {
            request.parameters.intervalMilliseconds = value
        }
        if let value = try self.number("size", in: query, bounds: self.sizeBounds, unit: "bytes") {
            request.parameters.sizeBytes = value
        }
        if let value = try self.number("seed", in: query, bounds: 0...Int(Int32.max), unit: "") {
            request.parameters.seed = UInt64(value)
        }
        request.durationSeconds = try self.number("duration", in: query, bounds: self.durationBounds, unit: "seconds")
        if let value = query.first("profile") {
            guard let profile = SyntheticProfile(rawValue: value) else {
                let names = SyntheticProfile.allCases.map(\.rawValue).joined(separator: ", ")
                throw Invalid(detail: "profile is \"\(value.prefix(40))\"; it must be one of \(names).")
            }
            request.parameters.profile = profile
        }
        return request
    }

    private static func number(
        _ name: String,
        in query: Query,
        bounds: ClosedRange<Int>,
        unit: String
    ) throws(Invalid) -> Int? {
        guard let text = query.first(name) else { return nil }
        guard let value = Int(text), bounds.contains(value) else {
            let unit = unit.isEmpty ? "" : " \(unit)"
            throw Invalid(
                detail: "\(name) is \"\(text.prefix(40))\"; it must be a whole number from \(bounds.lowerBound) to "
                    + "\(bounds.upperBound)\(unit)."
            )
        }
        return value
    }
}
