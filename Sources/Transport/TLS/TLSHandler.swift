// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// TLS in a channel's pipeline, for servers and clients: ciphertext towards the socket, plaintext towards the
/// application.
///
/// - **Reading**: each read of the socket is decrypted at once and passed on as one buffer; nothing is held back, so a
///   pipeline that stops calling `read` stops the socket. During the handshake the handler reads on its own account.
/// - **Writing**: small writes are gathered until the flush, or until a record of 16 KiB is full. A write's promise
///   succeeds when its last byte is in the socket. Writes before the end of the handshake wait for it.
/// - **Events**: `TLSHandshakeCompleted` first, `TLSPeerEnded` at the peer's end. Failures are fired as `TLSError`, and
///   the channel is closed; when the handshake fails they are the only thing that arrives.
/// - **Closing**: `close()` sends `close_notify` after all flushed writes, then closes the socket, without waiting for
///   the peer's answer (RFC 8446 section 6.1). Unflushed writes are dropped, as on any channel. If the socket takes no
///   more bytes it is closed at once; if the rest is not taken within `closePatience` it is closed then.
///   `close(mode: .output)` sends `close_notify`, then ends TCP's output; reading goes on until the peer ends.
///   A peer's `close_notify` closes the connection, unless the configuration allows half-closure.
///
/// Whoever bypasses the pipeline must do it through the gate (`TLSHandler+Gate`), never by the socket itself.
public final class TLSHandler: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// The most bytes kept until the handshake is done. A request fits; a stream of events does not wait here.
    public static let heldBytesLimit = 1 << 20
    /// How long a close waits for the socket to take what was flushed, and our `close_notify`.
    public static let closePatience = TimeAmount.seconds(2)

    let tls: TLSContext
    let connection: TLSConnection
    var machine: TLSStateMachine
    var stage = TLSWriteStage()
    /// A flush came before the handshake was done.
    var flushIsDue = false
    /// The pipeline wants bytes, and got none yet.
    private var readIsDue = false
    var deadline: Scheduled<Void>?
    /// The gate's socket, once somebody has asked for the gate.
    var socket: DirectSocket?
    /// Somebody wants the gate open whenever nothing is in the way.
    var wantsGate = false
    /// Writes of ciphertext that the channel has not finished.
    var writesBelow = 0
    /// The promises of those who wait for the socket's close.
    var closePromises: [EventLoopPromise<Void>] = []

    /// A handler for one accepted connection.
    public convenience init(server context: TLSContext) throws(TLSError) {
        try self.init(context: context, serverName: nil)
    }

    /// A handler for one connection to a server.
    ///
    /// - Parameter serverName: Whom to reach, a DNS name or an IP address in text: sent as SNI if it is a name,
    ///   verified against the certificate, and the key under which sessions are remembered. Nil only with
    ///   `Trust.insecure`.
    public convenience init(client context: TLSContext, serverName: String?) throws(TLSError) {
        try self.init(context: context, serverName: serverName)
    }

    private init(context: TLSContext, serverName: String?) throws(TLSError) {
        tls = context
        connection = try TLSConnection(context: context, serverName: serverName)
        machine = TLSStateMachine(allowsHalfClosure: context.allowsHalfClosure)
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { connected(context: context) }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        end(context: context)
    }

    public func channelActive(context: ChannelHandlerContext) {
        connected(context: context)
        context.fireChannelActive()
    }

    private func connected(context: ChannelHandlerContext) {
        guard case .startHandshake = machine.connected() else { return }
        schedule(after: tls.handshakeTimeout, context: context) { handler, context in
            guard case .report = handler.machine.handshakeTimedOut() else { return }
            let seconds = Double(handler.tls.handshakeTimeout.nanoseconds) / 1e9
            handler.report(.handshakeTimedOut(seconds: seconds), context: context)
        }
        advance(context: context)
        context.read()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .discard = machine.received() { return }
        do {
            try connection.receive(unwrapInboundIn(data))
        } catch {
            fail(error, context: context)
            return
        }
        advance(context: context)
    }

    /// Goes on with handshake and decryption until the peer's bytes are used up.
    private func advance(context: ChannelHandlerContext) {
        while true {
            switch machine.received() {
            case .discard:
                return
            case .decrypt:
                decrypt(context: context)
                return
            case .handshake:
                let progress: TLSConnection.HandshakeProgress
                do {
                    progress = try connection.handshake()
                } catch {
                    fail(error, context: context)
                    return
                }
                writeOutput(context: context, promise: nil)
                guard case .complete = progress, case .announce = machine.handshakeCompleted() else { return }
                deadline?.cancel()
                deadline = nil
                context.fireUserInboundEventTriggered(connection.completed())
                if flushIsDue { flush(context: context) }
            }
        }
    }

    private func decrypt(context: ChannelHandlerContext) {
        var plaintext = context.channel.allocator.buffer(capacity: 0)
        let end = connection.decrypt(into: &plaintext)
        if plaintext.readableBytes > 0 {
            readIsDue = false
            context.fireChannelRead(wrapInboundOut(plaintext))
        }
        switch end {
        case .failed(let error):
            fail(error, context: context)
            return
        case .closeNotify:
            peerClosed(context: context)
        case .needsPeer:
            break
        }
        guard connection.hasOutput else { return }
        switch machine.answered(peerReads: context.channel.isWritable) {
        case .send: writeOutput(context: context, promise: nil)
        case .failControlFlood: fail(.controlFlood, context: context)
        }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        connection.releaseIdleCapacity()
        context.fireChannelReadComplete()
        // The bytes that came may have been half a record, or none of the application's: the wish to read still stands.
        if readIsDue || machine.state == .handshaking { context.read() }
    }

    public func read(context: ChannelHandlerContext) {
        readIsDue = true
        context.read()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        socketEnded(context: context, completely: true)
        end(context: context)
        context.fireChannelInactive()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            socketEnded(context: context, completely: false)
        }
        context.fireUserInboundEventTriggered(event)
    }
}
