// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

/// A field of the response head that is not as the origin sent it, or, of an unknown origin, not as streams need it.
public struct HeaderChange: Encodable, Sendable, Hashable {
    public enum Kind: String, Encodable, Sendable {
        case removed, changed, added
        /// Of an origin that is not known: not there, and it should be.
        case advised
    }

    public let field: String
    public let kind: Kind
    /// What the origin sends, and what came.
    public let sent, received: String?
    public let meaning: String

    /// Of the request as given.
    static func all(_ evidence: DiagnoseEvidence) -> [HeaderChange] {
        guard let stream = evidence.streams.first(where: { $0.record.status == 200 && $0.isStream }) else { return [] }
        let headers = stream.record.headers
        let isHTTP1 = stream.record.connection?.applicationProtocol != .http2
        return (evidence.isHeadwater ? ofHeadwater(headers) : ofOthers(headers)) + framing(headers, isHTTP1: isHTTP1)
    }

    /// What Headwater sends with every stream, and what the loss of it means.
    private static let sentByHeadwater: [(field: String, value: String, meaning: String)] = [
        ("Content-Type", "text/event-stream", "EventSource refuses other types"),
        (
            "Cache-Control", "no-cache, no-store, no-transform",
            "without no-store the next cache may keep the stream, without no-transform the next hop may compress it"
        ),
        ("X-Accel-Buffering", "no", "a hop has consumed it, as nginx does: a second nginx behind would buffer"),
        ("Incremental", "?1", "hops that honour it no longer know that the response must not be collected"),
    ]

    private static func ofHeadwater(_ headers: HTTPHeaders) -> [HeaderChange] {
        sentByHeadwater.compactMap { field, sent, meaning in
            let received = headers[field].joined(separator: ", ")
            if received.isEmpty {
                return HeaderChange(field: field, kind: .removed, sent: sent, received: nil, meaning: meaning)
            }
            guard members(received) != members(sent) else { return nil }
            return HeaderChange(
                field: field, kind: .changed, sent: sent, received: ResponseCheck.printable(received), meaning: meaning)
        }
    }

    private static func members(_ list: String) -> Set<String> {
        Set(list.lowercased().split(separator: ",").map { $0.filter { $0 != " " } })
    }

    private static func ofOthers(_ headers: HTTPHeaders) -> [HeaderChange] {
        let control = members(headers["cache-control"].joined(separator: ","))
        var advice: [HeaderChange] = []
        if !control.contains("no-transform") {
            advice.append(
                HeaderChange(
                    field: "Cache-Control", kind: .advised, sent: nil,
                    received: headers.first(name: "cache-control").map(ResponseCheck.printable),
                    meaning: "no-transform keeps hops that honour it from compressing the stream"))
        }
        if !control.contains("no-store"), !control.contains("no-cache"), !control.contains("private") {
            advice.append(
                HeaderChange(
                    field: "Cache-Control", kind: .advised, sent: nil,
                    received: headers.first(name: "cache-control").map(ResponseCheck.printable),
                    meaning: "no-store keeps caches from serving one subscriber's stream to others"))
        }
        return advice
    }

    private static func framing(_ headers: HTTPHeaders, isHTTP1: Bool) -> [HeaderChange] {
        var changes: [HeaderChange] = []
        func add(_ field: String, _ meaning: String) {
            guard let value = headers.first(name: field) else { return }
            changes.append(
                HeaderChange(
                    field: field, kind: .added, sent: nil, received: ResponseCheck.printable(value), meaning: meaning))
        }
        add("Content-Length", "the whole response was there before its head: it was collected")
        add("Content-Encoding", "the stream was compressed on the way")
        add("Age", "a cache was asked; above 0 the stream is an old one")
        add("Keep-Alive", "a hop speaks of its own connection: harmless")
        if isHTTP1, !headers.contains(name: "transfer-encoding"), !headers.contains(name: "content-length") {
            changes.append(
                HeaderChange(
                    field: "Transfer-Encoding", kind: .removed, sent: "chunked", received: nil,
                    meaning: "the stream ends with its connection: a cut cannot be told from an end, and nginx buffers "
                        + "such responses"))
        }
        return changes
    }
}
