// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Which web pages may read our answers: Cross-Origin Resource Sharing (Fetch Standard, section 3.2) by an allow list.

import NIOHTTP1
import Transport

/// The origins that may. Empty: none, and no CORS field is ever sent.
public struct CrossOriginPolicy: Sendable, Equatable {
    public enum Allowed: Sendable, Equatable {
        /// `*`: every page, without credentials.
        case any
        /// These origins, such as `https://app.example.com`, with credentials.
        case origins(Set<String>)
    }

    public var allowed: Allowed

    public init(_ allowed: Allowed) { self.allowed = allowed }

    private static let exposed = "X-SSE-Path, X-SSE-Connection, X-SSE-Connection-Request, X-SSE-Stream"

    /// Adds what a response to this request needs.
    func apply(to headers: inout HTTPHeaders, request: HTTPHeaders) {
        switch self.allowed {
        case .any:
            headers.add(name: "Access-Control-Allow-Origin", value: "*")
            headers.add(name: "Timing-Allow-Origin", value: "*")
            headers.add(name: "Access-Control-Expose-Headers", value: Self.exposed)
        case .origins(let origins) where !origins.isEmpty:
            // Also without a match: a cache must not give one page's refusal to another.
            headers.add(name: "Vary", value: "Origin")
            guard let origin = request.first(name: "origin"), origins.contains(origin) else { return }
            headers.add(name: "Access-Control-Allow-Origin", value: origin)
            headers.add(name: "Access-Control-Allow-Credentials", value: "true")
            headers.add(name: "Timing-Allow-Origin", value: origin)
            headers.add(name: "Access-Control-Expose-Headers", value: Self.exposed)
        case .origins: break
        }
    }

    /// The answer to `OPTIONS`; a preflight is one that names a method.
    func options(allow: String, request: HTTPHeaders) -> Response {
        var headers: HTTPHeaders = ["Allow": allow]
        self.apply(to: &headers, request: request)
        if request.contains(name: "access-control-request-method"),
            headers.contains(name: "access-control-allow-origin")
        {
            headers.add(name: "Access-Control-Allow-Methods", value: allow)
            headers.add(
                name: "Access-Control-Allow-Headers",
                value: "Authorization, Cache-Control, Content-Type, Last-Event-ID, Traceparent, Tracestate"
            )
            headers.add(name: "Access-Control-Max-Age", value: "7200")
        }
        return Response(status: .noContent, headers: headers)
    }
}
