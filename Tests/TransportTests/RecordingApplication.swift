// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1

@testable import Transport

/// An application that does as the test says and remembers what it was told.
final class RecordingApplication: Application {
    struct Request {
        let head: RequestHead
        let body: String
        let stream: ServerStream
    }

    /// What is said of a request by its head; by path, for those that are not simply read.
    var plans: [String: RequestPlan] = [:]
    var bodyLimit = 64
    /// What is done with a complete request; without it, the request waits for the test to answer.
    var answer: ((Request) -> Void)?

    private(set) var planned: [String] = []
    private(set) var requests: [Request] = []
    private(set) var writable: [StreamToken] = []
    private(set) var ends: [(token: StreamToken, cause: StreamEnd.Cause)] = []

    func plan(for head: RequestHead) -> RequestPlan {
        self.planned.append(head.path)
        return self.plans[head.path] ?? .handle(bodyLimit: self.bodyLimit)
    }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        let request = Request(head: head, body: String(buffer: body), stream: stream)
        self.requests.append(request)
        self.answer?(request)
    }

    func streamBecameWritable(_ token: StreamToken) { self.writable.append(token) }

    func streamEnded(_ token: StreamToken, _ end: StreamEnd) { self.ends.append((token, end.cause)) }

    /// Answers with the request's path and body.
    static func echo(_ request: Request) {
        let body = ByteBuffer(string: "\(request.head.path)|\(request.body)")
        request.stream.respond(Response(status: .ok, body: body))
    }
}
