// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Tells HTTP/2 from HTTP/1.1 on one port by the first bytes (RFC 9113, section 3.3) or by what TLS agreed on.
//
// `Upgrade: h2c` is not taken: RFC 9113 has dropped it, and the request is answered in HTTP/1.1.

import NIOCore

/// Stands in front of an HTTP/1.1 connection, which is there from the start and minds the deadline, and puts an HTTP/2
/// connection in its place if that is what the peer speaks.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let http1: HTTP1ServerConnection
    private let isDirect: Bool
    /// Bound: the preface's length; what is longer is decided.
    private var collected = ByteBuffer()

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ http1: HTTP1ServerConnection, isDirect: Bool) {
        self.http1 = http1
        self.isDirect = isDirect
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard let handshake = event as? TLSHandshakeCompleted else { return }
        self.http1.connection.tls = handshake
        // What was agreed on is binding; without ALPN the first bytes tell, as in cleartext.
        switch handshake.applicationProtocol {
        case ApplicationProtocol.http2.rawValue:
            self.switchToHTTP2(context)
            self.leave(context)
        case .some: self.leave(context)
        case nil: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        if self.collected.readableBytes == 0 {
            self.collected = bytes
        } else {
            self.collected.writeBuffer(&bytes)
        }
        let start = self.collected.readableBytesView.prefix(Self.preface.count)
        guard start.elementsEqual(Self.preface.prefix(start.count)) else { return self.leave(context) }
        // "PRI" is no method that anyone else uses, but a shorter start could be PROPFIND or PUT.
        guard start.count >= 3 else { return }
        self.switchToHTTP2(context)
        self.leave(context)
    }

    private func switchToHTTP2(_ context: ChannelHandlerContext) {
        let http2 = HTTP2ServerConnection(
            connection: self.http1.connection,
            server: self.http1.server,
            channel: context.channel,
            isDirect: self.isDirect
        )
        self.http1.giveWay()
        do {
            // Before the HTTP/1.1 handlers, which leave only in a later turn of the loop: they must see nothing more.
            try context.pipeline.syncOperations.addHandler(http2, position: .after(self))
        } catch {
            context.close(promise: nil)
        }
    }

    private func leave(_ context: ChannelHandlerContext) {
        let bytes = self.collected
        self.collected = ByteBuffer()
        if bytes.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(bytes)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
