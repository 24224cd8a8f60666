// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How an HTTP/2 connection hands requests to the application and writes complete answers.

import NIOCore
import NIOHTTP1

extension HTTP2ServerConnection {
    func begin(_ slot: StreamSlot, _ request: HTTP2Request, isComplete: Bool) {
        self.connection.requestCount += 1
        let head = RequestHead(
            method: HTTPMethod(rawValue: request.method),
            target: request.path,
            headers: Self.fields(of: request),
            applicationProtocol: .http2,
            connection: self.connection,
            requestNumber: self.connection.requestCount
        )
        let deadline = self.session.now + self.server.limits.bodyTimeout
        let pending: HTTP2PendingRequest
        switch self.server.application.plan(for: head) {
        case .refuse(let response):
            pending = HTTP2PendingRequest(head: head, bodyLimit: 0, refusal: response, deadline: deadline)
        case .handle(let limit):
            let isTooLong = (request.contentLength ?? 0) > Int64(limit)
            pending = HTTP2PendingRequest(
                head: head,
                bodyLimit: limit,
                refusal: isTooLong ? .bodyTooLarge(limit: limit) : nil,
                deadline: deadline
            )
        }
        self.exchanges.insert(HTTP2Exchange(slot: slot, request: pending))
        if isComplete {
            self.complete(slot)
        } else if pending.refusal != nil {
            // No need to wait for a body that nobody will read.
            self.complete(slot)
        } else {
            self.unfinished.insert(slot)
            self.expectBody(of: head, on: slot)
        }
    }

    private func expectBody(of head: RequestHead, on slot: StreamSlot) {
        if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
            self.session.sendInformational(slot, HTTP2ResponseHead(status: 100))
        }
    }

    func received(_ bytes: ByteBuffer, on slot: StreamSlot, isComplete: Bool) {
        guard let pending = self.exchanges[slot]?.request, pending.refusal == nil else {
            return self.session.consumed(slot, bytes.readableBytes)
        }
        guard pending.body.readableBytes + bytes.readableBytes <= pending.bodyLimit else {
            return self.respond(.bodyTooLarge(limit: pending.bodyLimit), on: slot)
        }
        pending.body.writeImmutableBuffer(bytes)
        self.pendingBodyBytes += bytes.readableBytes
        // Beyond the bound the peer's windows stay shut until some body is complete or given up.
        if self.pendingBodyBytes <= self.server.limits.maximumPendingBodyBytes {
            self.session.consumed(slot, bytes.readableBytes)
        } else {
            pending.withheldBytes += bytes.readableBytes
        }
        if isComplete { self.complete(slot) }
    }

    /// The request's body is no longer held here.
    private func release(_ pending: HTTP2PendingRequest, of slot: StreamSlot) {
        self.pendingBodyBytes -= pending.body.readableBytes
        self.session.consumed(slot, pending.withheldBytes)
        pending.body = ByteBuffer()
        pending.withheldBytes = 0
    }

    /// Answers requests whose body takes too long.
    func giveUpSlowBodies(now: Int64) {
        for slot in self.unfinished {
            guard let pending = self.exchanges[slot]?.request else {
                self.unfinished.remove(slot)
                continue
            }
            guard now >= pending.deadline else { continue }
            self.unfinished.remove(slot)
            let detail = "The request was not complete in time; send it faster."
            self.respond(.problem(.requestTimeout, detail: detail), on: slot)
        }
    }

    private func complete(_ slot: StreamSlot) {
        self.unfinished.remove(slot)
        guard let pending = self.exchanges[slot]?.request else { return }
        if let refusal = pending.refusal { return self.respond(refusal, on: slot) }
        let body = pending.body
        self.release(pending, of: slot)
        self.server.application.handle(pending.head, body: body, on: .http2(self, slot))
    }

    func respond(_ response: Response, on slot: StreamSlot) {
        guard let exchange = self.exchanges[slot], exchange.token == nil, let pending = exchange.request else { return }
        let isHead = pending.head.method == .HEAD
        let length = response.status.mayHaveResponseBody ? response.body.readableBytes : 0
        var head = self.head(of: response)
        if response.status.mayHaveResponseBody, !(isHead && length == 0) {
            head.own.append(("content-length", String(length)))
        }
        let hasBody = length > 0 && !isHead
        self.release(pending, of: slot)
        self.exchanges[slot]?.request = nil
        self.server.application.responseStarted(pending.head, status: response.status)
        self.session.sendHead(slot, head, endStream: !hasBody)
        if hasBody {
            self.append(response.body, to: slot, thenEnd: true)
        } else {
            self.drop(slot)
        }
        if response.closesConnection { self.closeWhenIdle(by: self.connection.isOverLimit ? .limit : .drain) }
        self.scheduleFlush()
    }

    func head(of response: Response) -> HTTP2ResponseHead {
        var head = HTTP2ResponseHead(
            status: Int(response.status.code), headers: response.headers, own: response.ownHeaders
        )
        head.own.append(("date", self.server.httpDate()))
        return head
    }

    /// The regular fields, with Host from the authority where there is none, as HTTP/1.1 would have it.
    private static func fields(of request: HTTP2Request) -> HTTPHeaders {
        // Not by HTTPHeaders.add, which reads every name once more for what the session has seen to.
        var fields: [(String, String)] = []
        fields.reserveCapacity(request.headers.count)
        var hasHost = false
        for (name, value, _) in request.headers where name.utf8.first != UInt8(ascii: ":") {
            if name == "host" { hasHost = true }
            fields.append((name, value))
        }
        if !hasHost, !request.authority.isEmpty { fields.append(("host", request.authority)) }
        return HTTPHeaders(fields)
    }

    // MARK: Ends

    /// The exchange is over on our side.
    func drop(_ slot: StreamSlot) {
        guard let exchange = self.exchanges[slot] else { return }
        if exchange.token != nil { self.connection.activeStreams -= 1 }
        if let pending = exchange.request { self.release(pending, of: slot) }
        self.exchanges[slot] = nil
    }

    /// The stream ended without our doing.
    func forget(_ slot: StreamSlot, cause: StreamEnd.Cause) {
        guard let exchange = self.exchanges[slot] else { return }
        self.drop(slot)
        guard let token = exchange.token else { return }
        self.server.application.streamEnded(token, StreamEnd(cause: cause, socket: self.socketSample()))
    }
}

extension Response {
    static func bodyTooLarge(limit: Int) -> Response {
        let rejection = HTTP1Rejection.bodyTooLarge(limit: limit)
        return .problem(rejection.status, detail: rejection.detail)
    }
}
