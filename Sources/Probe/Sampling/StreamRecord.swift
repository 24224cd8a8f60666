// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Transport

/// What is known of one stream beside its events: how it was opened, over which connection, and how it ended. One for
/// each attempt: a reconnect makes another. All times are monotonic nanoseconds.
public struct StreamRecord: Sendable {
    public var path: Int
    public var stream: Int
    /// From 1; above it are reconnects.
    public var attempt: Int
    public var started: Int64
    public var connection: ConnectionRecord?
    public var phases = PhaseTimes()
    public var status: Int?
    public var headers: HTTPHeaders = [:]
    /// The read that completed the first event.
    public var firstEvent: Int64?
    /// The latest read that brought bytes of the body.
    public var lastArrival: Int64? { silences.last }
    /// The silences between reads.
    public var silences = Silences()
    /// The same up to the first of ``foreignLines``: from there on it may be somebody else who speaks. Nil without one.
    public var silencesBeforeForeign: Silences?
    public var events = 0
    /// Of the body, as they came: compressed if the response is.
    public var bytes = 0
    public var reads = 0
    public var comments = 0
    /// When comments came. Bound: ``commentLimit``, the first ones.
    public var commentTimes: [Int64] = []
    /// Lines that no event stream has. Bound: ``foreignLimit``, the first ones.
    public var foreignLines: [String] = []
    /// What each read brought of the body, and when. Bound: ``readLimit``, the first ones.
    public var readLog: [BodyRead] = []
    /// Whether the stream ended, or stood when it was stopped, within an event.
    public var hasUnfinishedEvent = false
    /// The reconnection time that the server asked for, in milliseconds.
    public var retry: Int?
    public var lastEventID = ""
    public var ended: Int64?
    public var ending: StreamEnding?

    public static let commentLimit = 4_096
    public static let foreignLimit = 8
    public static let readLimit = 1_024

    public init(path: Int, stream: Int, attempt: Int, started: Int64) {
        self.path = path
        self.stream = stream
        self.attempt = attempt
        self.started = started
    }

    /// From the request to the head of the response.
    public var timeToHead: Int64? { phases.requestToHead }

    /// Whether it ended in a fault. A 204 on a reconnect is the server's word that the stream is over.
    public var isFailure: Bool {
        switch ending {
        case .failed(.status(204, _)): attempt == 1
        case .failed: true
        case nil, .stopped, .complete, .untilClose: false
        }
    }

    /// Whether not even a response came.
    public var isUnreachable: Bool {
        if case .failed(.connection) = ending { status == nil } else { false }
    }

    /// From the start of the connection, or of the request on a kept one, to the first event.
    public var timeToFirstEvent: Int64? { firstEvent.map { $0 - started } }
}

/// How a stream ended.
public enum StreamEnding: Sendable, Equatable {
    /// By us: the measurement was over.
    case stopped
    /// By the server, whole in the sense of HTTP.
    case complete
    /// By the end of a connection whose response has no length: whether it was whole cannot be told.
    case untilClose
    /// By a fault after the stream had begun, or before.
    case failed(ProbeError)
}

/// The connection under a stream, seen from here and, if the response says so, from the origin.
public struct ConnectionRecord: Sendable, Hashable {
    /// Counted by this process, from 1: one number is one socket here.
    public var number: Int
    /// Which request on it, from 1.
    public var request: Int
    public var applicationProtocol: ApplicationProtocol
    public var localAddress: String?
    public var peerAddress: String?
    /// `TLSv1.3 TLS_AES_256_GCM_SHA384`, nil in cleartext.
    public var tls: String?
}

/// `X-SSE-Connection` and `X-SSE-Connection-Request`, or another server's fields of the same meaning.
public struct OriginConnection: Sendable, Hashable {
    public var id: String
    public var request: Int

    /// Which response fields say it; nginx, for one, can be told to send its `$connection` and `$connection_requests`.
    public struct Fields: Sendable, Hashable {
        public var id: String
        public var request: String

        public init(id: String = "x-sse-connection", request: String = "x-sse-connection-request") {
            self.id = id
            self.request = request
        }
    }

    public init?(_ headers: HTTPHeaders, fields: Fields = Fields()) {
        guard let id = headers.first(name: fields.id),
            let request = headers.first(name: fields.request).flatMap({ Int($0) })
        else { return nil }
        self.id = id
        self.request = request
    }
}

extension HTTPHeaders {
    /// Whether a Headwater origin sent them: then there are `/time` and `/beacon` too.
    var areOfHeadwater: Bool { contains(name: OriginConnection.Fields().id) }
}
