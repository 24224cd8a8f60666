// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What requests mean: the routes of the public and the admin listener.

import NIOCore
import NIOHTTP1
import Transport

/// The listeners' names, as connections carry them.
enum ListenerName {
    static let open = "public"
    static let admin = "admin"
}

extension Shard {
    /// A request's body is read and ignored up to this size where none is expected.
    private static let ignoredBodyLimit = 16 * 1024
    private static let maximumChannelsPerStream = 16

    func plan(for head: RequestHead) -> RequestPlan {
        if head.connection.listener == ListenerName.open {
            self.metrics.requestReceived(over: head.applicationProtocol)
        }
        if head.connection.isOverLimit {
            var response = self.busy(
                "The origin has \(self.configuration.maximumConnections) connections, which is its limit.",
                request: head.headers
            )
            response.closesConnection = true
            return .refuse(response)
        }
        let isAdmin = head.connection.listener == ListenerName.admin
        if isAdmin, head.headers.contains(name: "origin") {
            // A page in the operator's browser must not reach what only the operator may.
            return .refuse(
                .problem(.forbidden, detail: "The admin listener takes no requests from web pages (Origin field).")
            )
        }
        if head.method == .CONNECT {
            // Nothing is tunnelled here, and the request would never be complete.
            return .refuse(.problem(.notImplemented, detail: "This is an origin, not a proxy: it has no CONNECT."))
        }
        let route = self.routes.find(head.path)
        if head.method == .POST, route == .beacon { return .handle(bodyLimit: BeaconReport.maximumBytes) }
        guard head.method == .POST, case .channel(let text) = route else {
            return .handle(bodyLimit: Self.ignoredBodyLimit)
        }
        switch self.authorize(head, channel: text) {
        case .success: return .handle(bodyLimit: self.configuration.publishMaximumBytes)
        case .failure(let refusal): return .refuse(self.withPolicy(refusal.response, request: head.headers))
        }
    }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        let isAdmin = head.connection.listener == ListenerName.admin
        switch self.routes.find(head.path) {
        case .channel(let text) where head.method == .POST: self.publish(text, head: head, body: body, on: stream)
        case .health: stream.respond(self.readable(head, .text("ok\n")))
        case .readiness where isAdmin: stream.respond(self.readable(head, self.readiness()))
        case .debugStreams where isAdmin: self.reportStreams(head, on: stream)
        case .debugConnections where isAdmin: self.reportConnections(head, on: stream)
        case .debugTraces where isAdmin: stream.respond(self.readable(head, self.traceList()))
        case .debugTrace(let id) where isAdmin: stream.respond(self.readable(head, self.trace(id)))
        case .metrics where isAdmin: self.reportMetrics(head, on: stream)
        case .time: self.tellTime(head, on: stream)
        case .beacon where !isAdmin: self.takeBeacon(head, body: body, on: stream)
        case .channel(let text) where !isAdmin:
            self.serveStream(head, allow: "GET, HEAD, POST, OPTIONS", on: stream) { query throws(Refusal) in
                try self.namedKeys([text] + query.all("channel"))
            }
        case .channels where !isAdmin:
            self.serveStream(head, allow: "GET, HEAD, OPTIONS", on: stream) { query throws(Refusal) in
                try self.namedKeys(query.all("channel"))
            }
        case .measurement where !isAdmin:
            self.serveStream(head, allow: "GET, HEAD, OPTIONS", on: stream) { _ throws(Refusal) in [] }
        default:
            stream.respond(self.withPolicy(self.notFound(isAdmin: isAdmin), request: head.headers))
        }
    }

    /// A response that ends a request before it did anything.
    struct Refusal: Error {
        let response: Response

        init(_ status: HTTPResponseStatus, _ detail: String, headers: HTTPHeaders = [:]) {
            self.response = .problem(status, detail: detail, headers: headers)
        }
    }

    // MARK: Subscribing

    private func serveStream(
        _ head: RequestHead,
        allow: String,
        on stream: ServerStream,
        keys: (Query) throws(Refusal) -> [ChannelKey]
    ) {
        if head.method == .OPTIONS {
            return stream.respond(self.configuration.crossOrigin.options(allow: allow, request: head.headers))
        }
        do throws(Refusal) {
            guard head.method == .GET || head.method == .HEAD else {
                throw Refusal(
                    .methodNotAllowed, "This resource answers \(allow).", headers: ["Allow": allow]
                )
            }
            let query = Query(head.query)
            let subscription = try self.subscription(head, query: query, keys: try keys(query))
            if case .ended = subscription.lastEventID {
                // EventSource stops for good at 204 (HTML, section 9.2.3): it has everything that it asked for.
                return stream.respond(
                    self.withPolicy(Response(status: .noContent, headers: self.plainHeaders), request: head.headers)
                )
            }
            if self.shared.isDraining {
                var response = self.busy("The origin is shutting down; connect again.", request: head.headers)
                response.closesConnection = true
                return stream.respond(response)
            }
            if head.method == .HEAD { return stream.respond(self.streamHead(nil, request: head)) }
            self.subscribe(subscription, request: head, on: stream)
        } catch {
            stream.respond(self.withPolicy(error.response, request: head.headers))
        }
    }

    private func subscription(
        _ head: RequestHead,
        query: Query,
        keys: [ChannelKey]
    ) throws(Refusal) -> Subscription {
        var subscription = Subscription(
            keys: keys,
            client: ClientAddress.resolve(
                peer: head.connection.peerAddress, headers: head.headers, trusted: self.configuration.trustedProxies
            ),
            path: DeliveryPath.name(of: head, label: query.first("path"))
        )
        if keys.isEmpty {
            do throws(SyntheticParameters.Invalid) {
                let measurement = try SyntheticParameters.parse(query)
                subscription.keys = [.synthetic(measurement.parameters)]
                subscription.durationSeconds = measurement.durationSeconds
            } catch {
                throw Refusal(.badRequest, error.detail)
            }
        }
        // The header is newer: EventSource repeats the URL, query and all, when it reconnects.
        let last = head.headers.first(name: "last-event-id") ?? query.first("last_event_id")
        if let last, !last.isEmpty {
            subscription.lastEventID = LastEventID(last, channelCount: subscription.keys.count)
        }
        do throws(HeartbeatRequest.Invalid) {
            subscription.heartbeat = try HeartbeatRequest(query.all("heartbeat"))
        } catch {
            throw Refusal(.badRequest, error.detail)
        }
        return subscription
    }

    private func namedKeys(_ names: [String]) throws(Refusal) -> [ChannelKey] {
        var keys: [ChannelKey] = []
        for name in names {
            guard let name = ChannelName(name) else { throw Self.badName(name) }
            if !keys.contains(.named(name)) { keys.append(.named(name)) }
        }
        guard 1...Self.maximumChannelsPerStream ~= keys.count else {
            throw Refusal(
                .badRequest,
                "Name 1 to \(Self.maximumChannelsPerStream) channels, each as ?channel=NAME, not \(keys.count)."
            )
        }
        return keys
    }

    // MARK: Publishing

    private func authorize(_ head: RequestHead, channel text: String) -> Result<ChannelName, Refusal> {
        guard let name = ChannelName(text) else { return .failure(Self.badName(text)) }
        let isAdminLoopback =
            head.connection.listener == ListenerName.admin && AddressRange.isLoopback(head.connection.peerAddress)
        let verdict = self.shared.authorization.judge(
            authorization: head.headers.first(name: "authorization"), channel: name, isAdminLoopback: isAdminLoopback
        )
        switch verdict {
        case .allowed: return .success(name)
        case .forbidden(let detail): return .failure(Refusal(.forbidden, detail))
        case .unauthenticated(let detail):
            let challenge: HTTPHeaders = ["WWW-Authenticate": "Bearer realm=\"headwater\""]
            return .failure(Refusal(.unauthorized, detail, headers: challenge))
        }
    }

    private func publish(_ text: String, head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        do throws(Refusal) {
            guard let name = ChannelName(text) else { throw Self.badName(text) }
            let events = try self.publishedEvents(head, body: body)
            let wait = self.shared.publishBucket.withLock { $0.take(events.count, now: Clock.monotonic()) }
            if let wait {
                throw Refusal(
                    .tooManyRequests,
                    "The origin takes \(Int(self.configuration.publishRate)) events a second; send again later.",
                    headers: ["Retry-After": String(max(1, Int(wait.rounded(.up))))]
                )
            }
            let span = self.startPublishSpan(head, channel: name, events: events)
            self.publish(events, to: .named(name), context: span.context) { result in
                switch result {
                case .success(let published):
                    self.endPublishSpan(span, ids: published.ids, streams: published.streams)
                    stream.respond(self.withPolicy(.created(published.ids), request: head.headers))
                case .failure(.tooManyChannels(let limit)):
                    stream.respond(
                        self.busy("The origin has \(limit) channels, which is its limit.", request: head.headers)
                    )
                }
            }
        } catch {
            stream.respond(self.withPolicy(error.response, request: head.headers))
        }
    }

    private func publishedEvents(_ head: RequestHead, body: ByteBuffer) throws(Refusal) -> [PublishedEvent] {
        let query = Query(head.query)
        let type = query.first("event")
        if let type, type.utf8.contains(where: { $0 < 0x20 }) {
            throw Refusal(.badRequest, "The event type must not have control characters.")
        }
        var retry: Int?
        if let text = query.first("retry") {
            guard let value = Int(text), 0...Int(Int32.max) ~= value else {
                throw Refusal(
                    .badRequest, "retry is \"\(text.prefix(40))\"; it must be 0 to \(Int32.max) milliseconds."
                )
            }
            retry = value
        }
        do throws(PublishBodyError) {
            return try PublishBody.parse(
                body, contentType: head.headers.first(name: "content-type"), type: type, retry: retry
            )
        } catch {
            switch error {
            case .unsupportedType(let detail): throw Refusal(.unsupportedMediaType, detail)
            case .malformed(let detail): throw Refusal(.badRequest, detail)
            }
        }
    }

    private static func badName(_ name: String) -> Refusal {
        Refusal(.badRequest, "\"\(name.prefix(140))\" is no channel name; use \(ChannelName.rule).")
    }
}
