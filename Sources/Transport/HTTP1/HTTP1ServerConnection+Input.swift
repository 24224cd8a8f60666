// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// From bytes to parts of requests: which protocol it is, then llhttp by way of NIOHTTP1's decoder, then, behind a
// stream or a final answer, nothing. The connection drives the decoder itself: handlers of their own for detecting and
// decoding, which come and leave again, were a fifth of what a stream's opening cost.

import NIOCore
import NIOHTTP1

extension HTTP1ServerConnection {
    public func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.dropParser()
        self.reader = nil
        self.context = nil
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        guard self.detector != nil else { return self.parse(bytes, context: context) }
        switch self.detector?.take(bytes) {
        case .undecided, nil: break
        case .http1(let collected):
            self.expectRequests(context: context)
            self.parse(collected, context: context)
        case .http2(let collected): self.switchToHTTP2(collected, context: context)
        }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            self.endInput(context: context)
            self.inputClosed()
        } else if let handshake = event as? TLSHandshakeCompleted {
            self.connection.tls = handshake
            guard self.detector != nil else { return }
            // What was agreed on is binding; without ALPN the first bytes tell, as in cleartext.
            switch handshake.applicationProtocol {
            case ApplicationProtocol.http2.rawValue: self.switchToHTTP2(ByteBuffer(), context: context)
            case .some: self.expectRequests(context: context)
            case nil: break
            }
        }
    }

    /// It is HTTP/1.1.
    private func expectRequests(context: ChannelHandlerContext) {
        self.detector = nil
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = self.server.limits.maximumHeaderBytes
        configuration.maxHeaderListSize = self.server.limits.maximumHeaderBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: configuration)
        decoder.decoderAdded(context: context)
        self.decoder = decoder
    }

    private func parse(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        guard let decoder = self.decoder else { return self.discard(bytes.readableBytes) }
        // The decoder leaves the start of a field whose rest has not come, and wants it in front of what comes.
        var bytes = bytes
        if self.unparsed.readableBytes > 0 {
            self.unparsed.writeBuffer(&bytes)
            bytes = self.unparsed
            self.unparsed = ByteBuffer()
        }
        self.isParsing = true
        do {
            _ = try decoder.decode(context: context, buffer: &bytes)
        } catch {
            self.parserFailed(error)
            self.stopParsing()
        }
        self.isParsing = false
        // It was dropped while it was at work, and could not be taken down then.
        guard self.decoder != nil else { return decoder.decoderRemoved(context: context) }
        guard bytes.readableBytes > 0 else { return }
        // No field is that long, so the parser has stopped: behind a request to upgrade it reads nothing any more.
        if bytes.readableBytes > 2 * self.server.limits.maximumHeaderBytes { return self.stopParsing() }
        bytes.discardReadBytes()
        self.unparsed = bytes
    }

    /// The peer's FIN, which may come in the middle of a request.
    private func endInput(context: ChannelHandlerContext) {
        guard let decoder = self.decoder, !self.isParsing else { return }
        self.isParsing = true
        var rest = self.unparsed
        do {
            _ = try decoder.decodeLast(context: context, buffer: &rest, seenEOF: true)
        } catch {
            self.parserFailed(error)
        }
        self.stopParsing()
        self.isParsing = false
        decoder.decoderRemoved(context: context)
    }

    /// No request is read here any more. llhttp and its buffers cost more than an idle stream does.
    func dropParser() {
        self.body = ByteBuffer()
        self.held = []
        self.stopParsing()
    }

    /// What has been read stays. The decoder may be at work when this is called, and is then taken down when it comes
    /// back.
    private func stopParsing() {
        self.detector = nil
        self.unparsed = ByteBuffer()
        guard let decoder = self.decoder else { return }
        self.decoder = nil
        if !self.isParsing, let context = self.context { decoder.decoderRemoved(context: context) }
    }

    /// The peer speaks HTTP/2: another handler takes this one's place, before anything was read here.
    private func switchToHTTP2(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        let http2 = HTTP2ServerConnection(
            connection: self.connection, server: self.server, channel: self.channel, writesDirectly: self.writesDirectly
        )
        self.server.remove(self)
        self.dropParser()
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(http2, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        // Before it gets the bytes, by which it may close: of that it would not hear with this handler still in front.
        if let reader = self.reader { pipeline.removeHandler(reader, promise: nil) }
        self.reader = nil
        pipeline.removeHandler(context: context, promise: nil)
        if bytes.readableBytes > 0 { http2.received(bytes) }
    }
}
