// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import NIOHTTP1

// What the caller does: requests, consumption, cancellation.
extension HTTP2ClientConnection {
    func start(
        _ request: HTTPClientRequest,
        flow: HTTPFlow,
        token: UInt32,
        receive: @escaping HTTPResponseReceiver
    ) throws(HTTPClientError) -> HTTPClientExchange {
        let fields = try requestFields(request)
        let body = request.body.flatMap { $0.readableBytes > 0 ? $0 : nil }
        guard
            isAvailable,
            let slot = session.open(
                fields,
                endStream: body == nil,
                isHead: request.method == .HEAD,
                consumesAtOnce: flow == .automatic,
                token: token
            )
        else {
            let isFull = session.isOpen && session.goAway == nil && session.streamCount >= session.maxConcurrentStreams
            throw isFull ? .streamLimit(session.maxConcurrentStreams) : .connectionClosing
        }
        var exchange = Exchange(slot: slot, receive: receive)
        exchange.body = body
        exchange.headTimer = configuration.timeouts.responseHead.map { time in
            timer(slot, time, .timedOut(.responseHead, seconds: time.seconds))
        }
        exchange.deadlineTimer = request.deadline.map { time in
            timer(slot, time, .timedOut(.response, seconds: time.seconds))
        }
        exchanges.insert(exchange)
        unwritten.append(slot)
        if body != nil { uploads.append(slot) }
        scheduleFlush()
        return .http2(self, slot)
    }

    private func requestFields(_ request: HTTPClientRequest) throws(HTTPClientError) -> HPACKHeaders {
        let path = try request.checkedPath(on: target)
        var fields = HPACKHeaders()
        fields.add(name: ":method", value: request.method.rawValue)
        fields.add(name: ":scheme", value: target.scheme.rawValue)
        fields.add(name: ":authority", value: target.authority)
        fields.add(name: ":path", value: path)
        for (name, value) in try request.checkedFields() {
            let name = name.lowercased()
            // Section 8.2.2: TE may say nothing but "trailers".
            if name == "te", value.lowercased() != "trailers" { continue }
            fields.add(name: name, value: value, indexing: Self.secrets.contains(name) ? .neverIndexed : .indexable)
        }
        if let length = request.contentLength { fields.add(name: "content-length", value: String(length)) }
        return fields
    }

    /// RFC 7541 section 7.1.3: what an attacker could guess by the size of what is compressed beside it.
    private static let secrets: Set<String> = ["authorization", "cookie", "proxy-authorization"]

    private func timer(_ slot: StreamSlot, _ time: TimeAmount, _ error: HTTPClientError) -> Scheduled<Void> {
        channel.eventLoop.assumeIsolated().scheduleTask(in: time) { self.cancel(slot, error) }
    }

    func cancel(_ slot: StreamSlot, _ error: HTTPClientError) {
        guard exchanges[slot] != nil else { return }
        _ = session.reset(slot, .cancel)
        finish(slot, .failed(error))
        scheduleFlush()
    }

    func consumed(_ count: Int, on slot: StreamSlot) {
        session.consumed(slot, count)
        if session.output.count > 0 { scheduleFlush() }
    }
}
