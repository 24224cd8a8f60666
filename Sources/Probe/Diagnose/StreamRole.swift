// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What each of the streams of a diagnosis is for. The raw value is its name in reports.
public enum StreamRole: String, Encodable, Sendable, CaseIterable {
    /// The request as given.
    case plain
    /// The same, and gzip is offered, as browsers do.
    case gzip
    /// The same in the other protocol, if there is one.
    case http1 = "http/1.1"
    case http2 = "http/2"
    /// Left by us and opened again with `Last-Event-ID`.
    case resume
    /// Headwater only: its measurement channel, for a time that ends within the diagnosis.
    case calibration
    case calibrationGzip = "calibration_gzip"
    /// Headwater only: a channel on which nothing is published, for the heartbeats. Once as comments, once as events.
    case quiet
    case quietEvents = "quiet_events"

    /// Its place among the run's paths.
    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Whether events are expected, so that delivery can be judged.
    var isForDelivery: Bool {
        switch self {
        case .plain, .gzip, .http1, .http2, .calibration, .calibrationGzip: true
        case .resume, .quiet, .quietEvents: false
        }
    }

    /// Whether the request is the user's.
    var isOfUser: Bool {
        switch self {
        case .plain, .gzip, .http1, .http2, .resume: true
        case .calibration, .calibrationGzip, .quiet, .quietEvents: false
        }
    }
}
