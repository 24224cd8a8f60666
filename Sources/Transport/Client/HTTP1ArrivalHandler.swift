// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Stands before the decoder: notes when each read came, bounds the bytes of an unfinished head, and takes the chunks
/// of a body past the decoder where a sink wants them.
///
/// The decoder then sees a head and, whenever it comes, the last chunk: to it the body was empty, and all its rules for
/// trailers and for keeping the connection hold. For this the reads that bring a head are cut behind it.
final class HTTP1ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: HTTP1ClientConnection
    private var context: ChannelHandlerContext?
    private var headEnd = HeadEndFinder()
    /// Reads the body that goes past the decoder.
    private var chunks: ChunkReader?
    /// Who reads instead of NIO, under which number.
    private var poll: (owner: HTTP1BodyPoll, number: Int)?
    /// The socket, while the body is read directly and the channel is active.
    private(set) var directDescriptor: CInt?

    init(connection: HTTP1ClientConnection) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        endDirectReading()
        self.context = nil
        connection.reader = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        // The descriptor is closed, and epoll has forgotten it.
        directDescriptor = nil
        endDirectReading()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.arrival = HTTPArrival(time: Clock.monotonic(), read: connection.arrival.read + 1)
        take(unwrapInboundIn(data), context: context)
    }

    private func take(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        guard let sink = connection.sink else { return pass(bytes, context: context) }
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if chunks != nil {
                bytes.readWithUnsafeReadableBytes { deliver($0, to: sink) }
            } else if let end = bytes.withUnsafeReadableBytes({ endOfHead(in: $0) }),
                let head = bytes.readSlice(length: end)
            {
                pass(head, context: context)
                if connection.isChunked, connection.machine.deliversBody { chunks = ChunkReader() }
            } else {
                return pass(bytes, context: context)
            }
        }
    }

    private func endOfHead(in bytes: UnsafeRawBufferPointer) -> Int? {
        connection.machine.awaitsHead ? headEnd.end(in: bytes, from: 0) : nil
    }

    /// Gives the sink the content that is here.
    /// - Returns: how many bytes were the body's; behind its end they are the decoder's again.
    private func deliver(_ bytes: UnsafeRawBufferPointer, to sink: any HTTPBodySink) -> Int {
        var position = 0
        while let step = chunks?.next(bytes, &position) {
            switch step {
            case .content(let range): connection.deliver(UnsafeRawBufferPointer(rebasing: bytes[range]), to: sink)
            case .needsMore: return bytes.count
            case .lastChunk:
                chunks = nil
                endDirectReading()
                if let context { pass(ByteBuffer(string: "0\r\n"), context: context) }
                return position
            case .malformed(let reason):
                connection.fail(.malformed(reason), .violation(reason))
                return bytes.count
            }
        }
        return bytes.count
    }

    /// To the decoder.
    private func pass(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        let awaitedHead = connection.machine.awaitsHead
        if awaitedHead {
            if connection.firstBytes.count < Printable.limit {
                let missing = Printable.limit - connection.firstBytes.count
                connection.firstBytes += bytes.readableBytesView.prefix(missing)
            }
            connection.headBytes += bytes.readableBytes
        }
        context.fireChannelRead(wrapInboundOut(bytes))
        let limit = connection.configuration.limits.headBytes
        if awaitedHead, connection.machine.awaitsHead, connection.headBytes > limit {
            connection.fail(.headTooLarge(limit: limit), .violation("response head too large"))
        }
    }

    // MARK: Direct reading

    var canBeAdopted: Bool {
        chunks != nil && poll == nil && connection.isReadFreely && connection.channel.isActive
    }

    func adopted(by owner: HTTP1BodyPoll, number: Int, descriptor: CInt) {
        poll = (owner, number)
        directDescriptor = descriptor
    }

    /// What the poll has read.
    func received(_ bytes: UnsafeRawBufferPointer, at time: Int64) {
        connection.arrival = HTTPArrival(time: time, read: connection.arrival.read + 1)
        guard let sink = connection.sink, let context else { return }
        let used = deliver(bytes, to: sink)
        guard used < bytes.count else { return }
        take(ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: bytes[used...])), context: context)
    }

    private func endDirectReading() {
        guard let poll else { return }
        self.poll = nil
        let socket = directDescriptor
        directDescriptor = nil
        poll.owner.release(poll.number, descriptor: socket)
        if socket != nil { try? connection.channel.syncOptions?.setOption(.autoRead, value: true) }
    }
}
