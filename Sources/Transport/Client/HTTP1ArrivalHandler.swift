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

    init(connection: HTTP1ClientConnection) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        endDirectReading(isOpen: false)
        self.context = nil
        connection.reader = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        // The descriptor is closed, and epoll has forgotten it.
        endDirectReading(isOpen: false)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // An adopted connection is read by NIO only at its end.
        endDirectReading(isOpen: true)
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
                end(step)
                return position
            case .malformed:
                end(step)
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

    /// To the decoder goes what ends a chunked body, or nothing any more.
    private func end(_ step: ChunkReader.Step) {
        chunks = nil
        if case .malformed(let reason) = step {
            connection.fail(.malformed(reason), .violation(reason))
        } else if let context {
            pass(ByteBuffer(string: "0\r\n"), context: context)
        }
    }

    // MARK: Reading past NIO

    /// Gives the body under way to a poll; nil if there is none that it may read.
    func handOver(socket: CInt) -> HTTP1BodyPoll.Body? {
        guard let chunks, poll == nil, connection.isReadFreely, let token = connection.exchange?.token else {
            return nil
        }
        self.chunks = nil
        return HTTP1BodyPoll.Body(socket: socket, token: token, chunks: chunks, arrival: connection.arrival)
    }

    func adopted(by owner: HTTP1BodyPoll, number: Int) {
        poll = (owner, number)
    }

    /// The body, as far as it is read.
    func takeBack(_ body: HTTP1BodyPoll.Body) {
        chunks = body.chunks
        connection.arrival = body.arrival
    }

    /// The poll has found the end of the body, or what is no chunk.
    func bodyEnded(_ step: ChunkReader.Step, rest: UnsafeRawBufferPointer) {
        endDirectReading(isOpen: true)
        end(step)
        if step == .lastChunk, let context, !rest.isEmpty { take(ByteBuffer(bytes: rest), context: context) }
    }

    private func endDirectReading(isOpen: Bool) {
        guard let poll else { return }
        self.poll = nil
        takeBack(poll.owner.release(poll.number, isOpen: isOpen))
        if isOpen { try? connection.channel.syncOptions?.setOption(.autoRead, value: true) }
    }
}
