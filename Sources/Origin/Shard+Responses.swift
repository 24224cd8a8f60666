// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The responses of the origin: heads of streams, refusals, and what every public answer carries.

import FoundationEssentials
import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Shard {
    /// What a stream opens with, and why (see docs/architecture.md, "What the origin sends"):
    /// `no-transform` and `X-Accel-Buffering` keep intermediaries from collecting, `Incremental` is the standard
    /// track's word for the same (draft-ietf-httpbis-incremental).
    /// - Parameter record: `nil` answers HEAD, where no stream opens.
    func streamHead(_ record: StreamRecord?, trace: SpanContext? = nil, request: RequestHead) -> Response {
        var response = Response(status: .ok, headers: Self.streamHeaders)
        self.configuration.crossOrigin.apply(to: &response.headers, request: request.headers)
        response.ownHeaders.reserveCapacity(9)
        response.ownHeaders += [
            ("X-SSE-Connection", String(request.connection.id.rawValue)),
            ("X-SSE-Connection-Request", String(request.requestNumber)),
        ]
        if let record {
            response.ownHeaders += [
                ("X-SSE-Path", record.path),
                ("X-SSE-Stream", record.id),
                ("Server-Timing", "stream;desc=\"\(record.id)\""),
            ]
        }
        if let trace, self.shared.tracer.propagation.contains(.traceContext) {
            // Pages cannot read response fields of a stream, but they can read its Server-Timing.
            let text = Traceparent.text(trace)
            response.ownHeaders += [("traceparent", text), ("Server-Timing", "traceparent;desc=\"\(text)\"")]
        }
        return response
    }

    private static let streamHeaders: HTTPHeaders = [
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache, no-store, no-transform",
        "X-Accel-Buffering": "no",
        "Incremental": "?1",
    ]

    var plainHeaders: HTTPHeaders { ["Cache-Control": "no-store"] }

    /// Adds to a public answer what lets a page read it.
    func withPolicy(_ response: Response, request: HTTPHeaders) -> Response {
        var response = response
        self.configuration.crossOrigin.apply(to: &response.headers, request: request)
        return response
    }

    /// 503 with a time to come back that differs for each, so that not all come back at once.
    func busy(_ detail: String, request: HTTPHeaders) -> Response {
        let seconds = Int.random(in: 1...5)
        let response = Response.problem(
            .serviceUnavailable,
            detail: "\(detail) Try again in \(seconds) s.",
            headers: ["Retry-After": String(seconds)]
        )
        return self.withPolicy(response, request: request)
    }

    func refused(_ refusal: StreamAdmission.Refusal, request: HTTPHeaders) -> Response {
        switch refusal {
        case .tooManyStreams(let limit):
            self.busy("The origin has \(limit) streams, which is its limit.", request: request)
        case .tooManyForPeer(let limit):
            self.busy("You have \(limit) streams here, which is the limit for one client.", request: request)
        }
    }

    func notFound(isAdmin: Bool) -> Response {
        let known =
            isAdmin
            ? "GET /metrics, /healthz, /readyz, /time, /debug/streams, /debug/connections and /debug/traces, and "
                + "POST /channels/{name}/events"
            : "GET /channels/{name}/events, /channels/events?channel=a&channel=b, /events, /time and /healthz, and "
                + "POST /channels/{name}/events and /beacon"
        return .problem(.notFound, detail: "There is nothing here. This listener has \(known).")
    }

    /// For resources that are only read: GET and HEAD, else 405.
    func readable(_ head: RequestHead, _ response: Response) -> Response {
        guard head.method != .GET, head.method != .HEAD else { return response }
        return .problem(.methodNotAllowed, detail: "This resource answers GET.", headers: ["Allow": "GET, HEAD"])
    }
}

extension Response {
    static func text(_ text: String, status: HTTPResponseStatus = .ok) -> Response {
        let headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"]
        return Response(status: status, headers: headers, body: ByteBuffer(string: text))
    }

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let data = try? encoder.encode(value) else {
            return .problem(.internalServerError, detail: "The answer could not be encoded; this is a bug.")
        }
        var body = ByteBuffer(bytes: data)
        body.writeStaticString("\n")
        return self.json(text: body, status: status)
    }

    /// JSON that is written already.
    static func json(text: ByteBuffer, status: HTTPResponseStatus = .ok) -> Response {
        let headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        return Response(status: status, headers: headers, body: text)
    }

    /// 201 with the ids of the events, in the order in which they were sent.
    fileprivate static func ids(_ ids: [EventID]) -> ByteBuffer {
        ByteBuffer(string: "{\"ids\":[\(ids.map { "\"\($0)\"" }.joined(separator: ","))]}\n")
    }

    static func created(_ ids: [EventID]) -> Response {
        self.json(text: self.ids(ids), status: .created)
    }
}
