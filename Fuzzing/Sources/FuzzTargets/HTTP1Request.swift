// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// An HTTP/1.1 connection over a channel in memory, with a small application behind it. The bytes go through twice,
// whole and cut: both times the application must see the same requests, and the client the same answers, one for each
// request at most, well framed, none behind the last.
//
// What begins with the preface of HTTP/2 is handed over to an HTTP/2 connection, which then has the same application.
//
// Input: one byte for the cuts, one for when the application answers, then what the client sends.

import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Transport

enum HTTP1Request {
    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let seed = reader.byte()
        let answersLater = reader.bool()
        let bytes = reader.rest()
        let whole = Exchange.carryOut([bytes], answersLater: answersLater)
        let cut = Exchange.carryOut(pieces(of: bytes, seed: seed), answersLater: answersLater)
        require(whole.seen == cut.seen, "cuts of seed \(seed) change the requests: \(whole.seen) and \(cut.seen)")
        // A false start of the preface is told from a request only if it comes at once.
        if bytes.starts(with: Array("PRI".utf8)) { return }
        require(whole.statuses == cut.statuses, "cuts change the answers: \(whole.statuses) and \(cut.statuses)")
    }

    private struct Exchange {
        /// What the application saw, request by request.
        var seen: [String]
        /// The final answers' status codes.
        var statuses: [Int]

        static func carryOut(_ pieces: [[UInt8]], answersLater: Bool) -> Exchange {
            let channel = EmbeddedChannel()
            let application = EchoApplication(answersLater: answersLater)
            var limits = ServerLimits()
            limits.maximumHeaderBytes = 2_048
            limits.maximumHeaderFields = 16
            let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
            let server = ServerLoop(
                eventLoop: channel.eventLoop, application: application, limits: limits, logger: logger)
            var output: [UInt8] = []
            do {
                let peer = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
                let connection = Connection(id: .next(), listener: "fuzz", peer: peer, acceptedAt: 0)
                channel.connect(to: peer, promise: nil)
                try HTTP1ServerConnection.install(
                    connection: connection, server: server, channel: channel, isDirect: false)
                for piece in pieces where channel.isActive {
                    channel.pipeline.fireChannelRead(ByteBuffer(bytes: piece))
                    channel.pipeline.fireChannelReadComplete()
                    channel.embeddedEventLoop.run()
                    application.answerWaiting()
                    while let part = try channel.readOutbound(as: ByteBuffer.self) { output += part.readableBytesView }
                }
                // HTTP/2 comes to the same port; what it answers is H2Session's business.
                let answers = connection.applicationProtocol == .http2 ? [] : HTTP1AnswerReader.read(output)
                // One more, since what is no request at all gets an answer too.
                require(
                    answers.count <= Int(connection.requestCount) + 1,
                    "\(answers.count) answers to \(connection.requestCount) requests")
                require(application.endings <= application.openings, "a stream ended twice")
                channel.close(promise: nil)
                channel.embeddedEventLoop.run()
                require(server.connectionCount == 0, "the closed connection is still in the table")
                require(application.endings == application.openings, "a stream was never told to have ended")
                _ = try? channel.finish(acceptAlreadyClosed: true)
                return Exchange(seen: application.seen, statuses: answers)
            } catch {
                require(false, "the channel in memory failed: \(error)")
                return Exchange(seen: [], statuses: [])
            }
        }
    }
}

/// Answers with what it saw; `/stream` opens a stream, `/refuse` is refused by its head, `/close` closes.
private final class EchoApplication: Application {
    private let answersLater: Bool
    private var waiting: [() -> Void] = []
    private(set) var seen: [String] = []
    private(set) var openings = 0
    private(set) var endings = 0

    init(answersLater: Bool) {
        self.answersLater = answersLater
    }

    func plan(for head: RequestHead) -> RequestPlan {
        if head.path == "/refuse" {
            return .refuse(Response(status: .forbidden, headers: mark(head), body: ByteBuffer(string: "no")))
        }
        return .handle(bodyLimit: 64)
    }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        let fields = head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        seen.append("\(head.method) \(head.path) \(head.query ?? "-") \(fields) \(Array(body.readableBytesView))")
        require(body.readableBytes <= 64, "a body of \(body.readableBytes) bytes is over its limit")
        if answersLater {
            waiting.append { [self] in answer(head, stream) }
        } else {
            answer(head, stream)
        }
    }

    /// Answers what waits, and what comes up by that.
    func answerWaiting() {
        while !waiting.isEmpty { waiting.removeFirst()() }
    }

    private func answer(_ head: RequestHead, _ stream: ServerStream) {
        if head.path == "/stream", head.method == .GET {
            guard stream.awaitsResponse else { return }
            openings += 1
            stream.open(
                Response(status: .ok, headers: ["Content-Type": "text/event-stream"]),
                token: StreamToken(slot: 1, generation: 1), preamble: ByteBuffer(string: ": connected\n\n"))
            return
        }
        var response = Response(status: .ok, headers: mark(head), body: ByteBuffer(string: "seen"))
        response.closesConnection = head.path == "/close"
        stream.respond(response)
    }

    /// The answer to a HEAD has no body, which its reader cannot know otherwise.
    private func mark(_ head: RequestHead) -> HTTPHeaders {
        head.method == .HEAD ? ["X-No-Body": "1"] : [:]
    }

    func streamBecameWritable(_ token: StreamToken) {}

    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {
        endings += 1
    }
}
