// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// From the application to the socket.
extension TLSHandler {
    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch machine.written() {
        case .refuse:
            promise?.fail(ChannelError.ioOnClosedChannel)
        case .hold:
            let bytes = unwrapOutboundIn(data)
            guard stage.count + bytes.readableBytes <= Self.heldBytesLimit else {
                promise?.fail(TLSError.tooMuchBeforeHandshake)
                fail(.tooMuchBeforeHandshake, context: context)
                return
            }
            stage.append(bytes, promise: promise)
        case .encrypt:
            stage.append(unwrapOutboundIn(data), promise: promise)
            // Full records go to the channel at once: it counts them, and says when the application should pause.
            let full = stage.count - stage.count % TLSConnection.recordLimit
            if full > 0 { encryptStaged(upTo: full, context: context) }
        }
    }

    public func flush(context: ChannelHandlerContext) {
        switch machine.written() {
        case .hold:
            flushIsDue = true
        case .encrypt:
            flushIsDue = false
            if !stage.isEmpty { encryptStaged(upTo: .max, context: context) }
            connection.releaseIdleCapacity()
            context.flush()
        case .refuse:
            context.flush()
        }
    }

    private func encryptStaged(upTo limit: Int, context: ChannelHandlerContext) {
        let (plaintext, promises) = stage.take(upTo: limit)
        connection.outgoing.disconnect()
        do {
            try connection.encrypt(plaintext)
        } catch {
            for promise in promises { promise.fail(error) }
            fail(error, context: context)
            return
        }
        writeBelow(connection.takeOutput(), promise: Self.combined(promises), context: context)
    }

    /// One promise that stands for all.
    private static func combined(_ promises: [EventLoopPromise<Void>]) -> EventLoopPromise<Void>? {
        guard let first = promises.first else { return nil }
        for other in promises.dropFirst() {
            first.futureResult.cascade(to: other)
        }
        return first
    }

    /// Writes and flushes what OpenSSL has for the peer.
    func writeOutput(context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard connection.hasOutput else {
            promise?.succeed(())
            return
        }
        writeBelow(connection.takeOutput(), promise: promise, context: context)
        context.flush()
    }

    /// Ciphertext for the channel's own queue. Nothing may pass it by: the gate is shut until the socket has it.
    private func writeBelow(
        _ ciphertext: ByteBuffer,
        promise: EventLoopPromise<Void>?,
        context: ChannelHandlerContext
    ) {
        connection.outgoing.disconnect()
        // Only a server's connections have a gate.
        guard tls.role == .server else {
            context.write(wrapOutboundOut(ciphertext), promise: promise)
            return
        }
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        writesBelow += 1
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.writesBelow -= 1
            switch result {
            case .success: self.openGateIfClear()
            case .failure: self.shutGate()
            }
        }
        context.write(wrapOutboundOut(ciphertext), promise: promise)
    }
}
