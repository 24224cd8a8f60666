// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1

// What the caller does: requests, consumption, cancellation, the close.
extension HTTP1ClientConnection {
    func start(
        _ request: HTTPClientRequest,
        flow: HTTPFlow,
        token: UInt32,
        receive: @escaping HTTPResponseReceiver
    ) throws(HTTPClientError) -> HTTPClientExchange {
        let head = try requestHead(request)
        guard channel.isActive else { throw .connectionClosing }
        switch machine.requested() {
        case .refuseBusy: throw .busy
        case .refuseClosed: throw .connectionClosing
        case .send: break
        }
        requestCount += 1
        let number = requestCount
        headBytes = 0
        firstBytes = []
        var exchange = Exchange(number: number, receive: receive, flow: flow)
        exchange.token = token
        exchange.isHead = request.method == .HEAD
        exchange.headTimer = configuration.timeouts.responseHead.map { time in
            timer(number, time, .timedOut(.responseHead, seconds: time.seconds))
        }
        exchange.deadlineTimer = request.deadline.map { time in
            timer(number, time, .timedOut(.response, seconds: time.seconds))
        }
        self.exchange = exchange
        send(head, body: request.body, number: number)
        return .http1(self, number: number)
    }

    private func send(_ head: HTTPRequestHead, body: ByteBuffer?, number: UInt64) {
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body, body.readableBytes > 0 {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        }
        // Complete within the flush unless the socket is full. Then the moment before it counts: between the kernel's
        // taking the request and our next line the server may have answered, and a clock estimate would believe in a
        // shorter way than there was.
        let before = Clock.monotonic()
        var isFlushing = true
        channel.writeAndFlush(HTTPClientRequestPart.end(nil)).assumeIsolated().whenSuccess {
            guard self.exchange?.number == number else { return }
            self.exchange?.requestWritten = isFlushing ? before : Clock.monotonic()
        }
        isFlushing = false
    }

    private func requestHead(_ request: HTTPClientRequest) throws(HTTPClientError) -> HTTPRequestHead {
        let path = try request.checkedPath(on: target)
        // RFC 9112 section 3.2: Host should be the first field.
        var headers: HTTPHeaders = ["Host": target.authority]
        for (name, value) in try request.checkedFields() { headers.add(name: name, value: value) }
        if let length = request.contentLength { headers.add(name: "Content-Length", value: String(length)) }
        var uri = path
        if let forwardProxy {
            uri = "http://\(target.authority)\(path == "*" ? "" : path)"
            if let authorization = forwardProxy.authorization {
                headers.add(name: "Proxy-Authorization", value: authorization)
            }
        }
        return HTTPRequestHead(version: .http1_1, method: request.method, uri: uri, headers: headers)
    }

    private func timer(_ number: UInt64, _ time: TimeAmount, _ error: HTTPClientError) -> Scheduled<Void> {
        channel.eventLoop.assumeIsolated().scheduleTask(in: time) { self.cancel(number, error) }
    }

    func cancel(_ number: UInt64, _ error: HTTPClientError) {
        guard exchange?.number == number else { return }
        fail(error, .local)
    }

    func consumed(_ count: Int, of number: UInt64) {
        guard let exchange, exchange.number == number else { return }
        self.exchange?.unconsumed = max(0, exchange.unconsumed - count)
        updateReading()
    }

    /// Stops reading the socket while the receiver holds more than the bound, and goes on below half of it.
    func updateReading() {
        let limit = configuration.limits.bodyBuffer
        let unconsumed = exchange?.unconsumed ?? 0
        let pauses = isPaused ? unconsumed > limit / 2 : unconsumed >= max(limit, 1)
        guard pauses != isPaused else { return }
        isPaused = pauses
        try? channel.syncOptions?.setOption(.autoRead, value: !pauses)
    }

    func close() {
        fail(.cancelled, .local)
    }
}
