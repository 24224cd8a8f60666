// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import Telemetry
import Transport

/// Why a stream could not be opened or read. Each is one line: what happened, then what to do.
public enum ProbeError: Error, Sendable, Equatable {
    case connection(HTTPClientError)
    /// Not followed: a path that is measured must be the one that was named.
    case redirect(status: Int, location: String)
    /// 4xx, 5xx, or another status without a stream; `excerpt` is the beginning of the body, printable.
    case status(Int, excerpt: String)
    case notEventStream(contentType: String?, excerpt: String)
    /// A content coding other than gzip.
    case unknownCoding(String)
    case unreadable(StreamReader.Failure)
}

extension ProbeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connection(let error): "\(error)"
        case .redirect(let status, let location):
            "the server redirects (\(status)) to \(location): probe that URL instead"
        case .status(let status, let excerpt):
            "the server answered \(status)\(Self.quoted(excerpt)): \(Self.advice(for: status))"
        case .notEventStream(let type, let excerpt):
            "the answer is \(type ?? "of no Content-Type"), not text/event-stream\(Self.quoted(excerpt)): "
                + "check the path, or the request (--method, --header, --body)"
        case .unknownCoding(let coding):
            "the answer is compressed with \(coding), which was not offered: look at who compresses on the way"
        case .unreadable(.stream(let error)): "the stream cannot be read: \(error)"
        case .unreadable(.compression(let error)): "the compressed stream cannot be read: \(error)"
        }
    }

    private static func quoted(_ excerpt: String) -> String {
        excerpt.isEmpty ? "" : " and \"\(excerpt)\""
    }

    private static func advice(for status: Int) -> String {
        switch status {
        case 204: "the stream says that it is over; ask for another, or without Last-Event-ID"
        case 401, 403: "give credentials with --header 'Authorization: …'"
        case 404, 410: "check the path of the URL"
        case 405: "the endpoint wants another method: --method POST --body …"
        case 429: "slow down, or raise the server's limit"
        case 502, 504: "the intermediary cannot reach the origin or gave up waiting for it"
        case 500...: "look at the server's log"
        default: "check URL and request"
        }
    }
}

extension ProbeError {
    /// Whether the fault is in reaching the server, not in what it says.
    public var isUnreachable: Bool {
        if case .connection = self { true } else { false }
    }
}
