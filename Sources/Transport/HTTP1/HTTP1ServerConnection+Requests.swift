// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How an HTTP/1.1 connection reads requests, one at a time, and answers them.

import NIOCore
import NIOHTTP1

extension HTTP1ServerConnection {
    var isHolding: Bool {
        if case .responding = self.machine.state { !self.held.isEmpty } else { false }
    }

    func received(_ part: HTTPServerRequestPart) {
        if self.isHolding { return self.held.append(part) }
        switch part {
        case .head(let head):
            switch self.machine.headReceived(keepAlive: head.isKeepAlive) {
            case .accept: self.begin(head)
            case .hold:
                self.held.append(part)
                self.setReading(paused: true)
            case .discard: break
            }
        case .body(var bytes):
            guard self.machine.acceptsBody, self.refusal == nil else { return }
            guard self.body.readableBytes + bytes.readableBytes <= self.bodyLimit else {
                return self.reject(.bodyTooLarge(limit: self.bodyLimit))
            }
            self.body.writeBuffer(&bytes)
        case .end:
            guard self.machine.endReceived() else { return }
            self.deadline = .max
            self.complete()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        self.connection.requestCount += 1
        self.connection.applicationProtocol = head.version.minor == 0 ? .http10 : .http11
        if self.connection.requestCount == 1 { self.server.establish(self.connection) }
        self.refusal = nil
        let request = RequestHead(
            method: head.method,
            target: head.uri,
            headers: head.headers,
            applicationProtocol: self.connection.applicationProtocol,
            connection: self.connection,
            requestNumber: self.connection.requestCount
        )
        self.head = request
        if let rejection = HTTP1RequestValidation.rejection(of: head, limits: self.server.limits) {
            return self.reject(rejection)
        }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) }
        let hasBody = (length ?? 0) > 0 || head.headers.contains(name: "transfer-encoding")
        switch self.server.application.plan(for: request) {
        case .refuse(let response):
            if hasBody { self.answer(response, mustClose: true) } else { self.refusal = response }
        case .handle(let limit):
            self.bodyLimit = limit
            // A length that Int cannot hold is over every limit.
            let isTooLong = head.headers.contains(name: "content-length") && (length ?? .max) > limit
            if isTooLong { return self.reject(.bodyTooLarge(limit: limit)) }
            guard self.meetExpectation(of: head, hasBody: hasBody) else { return }
        }
        self.deadline = hasBody ? Clock.monotonic() + self.server.limits.bodyTimeout : self.deadline
    }

    /// RFC 9110, section 10.1.1. - Returns: `false` if the request was answered 417.
    private func meetExpectation(of head: HTTPRequestHead, hasBody: Bool) -> Bool {
        guard let expectation = head.headers.first(name: "expect"), head.version.minor == 1 else { return true }
        guard expectation.lowercased() == "100-continue" else {
            self.reject(
                HTTP1Rejection(status: .expectationFailed, detail: "The only expectation understood is 100-continue.")
            )
            return false
        }
        if hasBody { self.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")) }
        return true
    }

    private func complete() {
        if let refusal = self.refusal {
            self.refusal = nil
            return self.answer(refusal, mustClose: false)
        }
        guard let head = self.head else { return }
        let body = self.body
        self.body = ByteBuffer()
        self.server.application.handle(head, body: body, on: .http1(self))
    }

    func respond(_ response: Response) { self.answer(response, mustClose: false) }

    func reject(_ rejection: HTTP1Rejection) {
        self.connection.ends(by: .violation)
        self.answer(.problem(rejection.status, detail: rejection.detail), mustClose: true)
    }

    private func answer(_ response: Response, mustClose: Bool) {
        let isHead = self.head?.method == .HEAD
        if self.machine.awaitsResponse || self.machine.acceptsBody, let head = self.head {
            self.server.application.responseStarted(head, status: response.status)
        }
        switch self.machine.responseStarted(mustClose: mustClose || response.closesConnection) {
        case .drop: return
        case .keepAlive:
            self.write(self.encode(response, isHead: isHead, closes: false))
            self.nextRequest()
        case .close:
            self.write(self.encode(response, isHead: isHead, closes: true))
            self.linger()
        }
    }

    private func encode(_ response: Response, isHead: Bool, closes: Bool) -> ByteBuffer {
        let hasBody = response.status.mayHaveResponseBody
        let framing: HTTP1ResponseEncoder.Framing =
            hasBody && !(isHead && response.body.readableBytes == 0)
            ? .contentLength(response.body.readableBytes) : .none
        var buffer = self.channel.allocator.buffer(capacity: 256 + response.body.readableBytes)
        let date = self.server.httpDate()
        HTTP1ResponseEncoder.write(response, framing: framing, date: date, closes: closes, into: &buffer)
        if hasBody, !isHead { buffer.writeImmutableBuffer(response.body) }
        return buffer
    }

    /// Takes up the pipelined requests that waited for this answer, then reads on.
    private func nextRequest() {
        self.head = nil
        self.deadline = Clock.monotonic() + self.server.limits.keepAliveTimeout
        if !self.held.isEmpty {
            let parts = self.held
            self.held = []
            for part in parts { self.received(part) }
            if self.held.isEmpty { self.setReading(paused: false) }
        }
        // It is behind all that was held, or in the body of the last of them.
        let isDue = self.machine.state == .idle || self.machine.acceptsBody
        guard isDue, let rejection = self.heldRejection else { return }
        self.heldRejection = nil
        self.reject(rejection)
    }
}

extension HTTP1Rejection {
    static func bodyTooLarge(limit: Int) -> HTTP1Rejection {
        HTTP1Rejection(status: .payloadTooLarge, detail: "Send a body of at most \(limit) bytes.")
    }
}
