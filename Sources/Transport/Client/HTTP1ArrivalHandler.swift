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
    private var headEnd = HeadEndFinder()
    /// Reads the body that goes past the decoder.
    private var chunks: ChunkReader?

    init(connection: HTTP1ClientConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.arrival = HTTPArrival(time: Clock.monotonic(), read: connection.arrival.read + 1)
        guard let sink = connection.sink else { return pass(unwrapInboundIn(data), context: context) }
        var bytes = unwrapInboundIn(data)
        while bytes.readableBytes > 0 {
            if chunks != nil {
                deliver(&bytes, to: sink, context: context)
            } else if let end = bytes.withUnsafeReadableBytes({ endOfHead(in: $0) }),
                let head = bytes.readSlice(length: end)
            {
                pass(head, context: context)
                if connection.isChunked, connection.machine.deliversBody { chunks = ChunkReader() }
            } else {
                pass(bytes, context: context)
                return
            }
        }
    }

    private func endOfHead(in bytes: UnsafeRawBufferPointer) -> Int? {
        connection.machine.awaitsHead ? headEnd.end(in: bytes, from: 0) : nil
    }

    private func deliver(_ bytes: inout ByteBuffer, to sink: any HTTPBodySink, context: ChannelHandlerContext) {
        let (used, last) = bytes.withUnsafeReadableBytes { bytes -> (Int, ChunkReader.Step) in
            var position = 0
            while true {
                guard let step = chunks?.next(bytes, &position) else { return (bytes.count, .needsMore) }
                guard case .content(let range) = step else { return (position, step) }
                connection.deliver(UnsafeRawBufferPointer(rebasing: bytes[range]), to: sink)
            }
        }
        bytes.moveReaderIndex(forwardBy: used)
        switch last {
        case .content, .needsMore: break
        case .lastChunk:
            chunks = nil
            pass(ByteBuffer(string: "0\r\n"), context: context)
        case .malformed(let reason):
            bytes.clear()
            connection.fail(.malformed(reason), .violation(reason))
        }
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
}
