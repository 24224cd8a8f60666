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
        let records = (plaintext.readableBytes + TLSConnection.recordLimit - 1) / TLSConnection.recordLimit
        let capacity = plaintext.readableBytes + records * Self.recordOverhead
        var ciphertext = context.channel.allocator.buffer(capacity: capacity)
        do {
            try connection.encrypt(plaintext, into: &ciphertext)
        } catch {
            for promise in promises { promise.fail(error) }
            fail(error, context: context)
            return
        }
        context.write(wrapOutboundOut(ciphertext), promise: Self.combined(promises))
    }

    /// What a record adds to its plaintext with today's ciphers: 5 bytes of header, 1 of content type or 8 of nonce,
    /// and 16 of tag. CBC ciphers of TLS 1.2 add more, and cost a reallocation.
    private static let recordOverhead = 29

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
        var output = context.channel.allocator.buffer(capacity: 0)
        connection.drainOutput(into: &output)
        context.writeAndFlush(wrapOutboundOut(output), promise: promise)
    }
}
