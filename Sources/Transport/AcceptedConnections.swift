// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Sets up what a listening socket accepts. NIO's own handler for this goes through a chain of futures, and sets options
// one by one through boxes, for every connection; together that was more than an accept(2).

import NIOCore

/// Stands first in a listening channel's pipeline. Belongs to its loop.
final class AcceptedConnections: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// Makes a connection of a new channel. On that channel's loop; what it throws closes the channel.
    private let setUp: @Sendable (any Channel) throws -> Void
    /// The end of the pipeline, past NIO's handler. Until it is there NIO's serves, which then has nothing to set up.
    private var end: ChannelHandlerContext?

    init(setUp: @escaping @Sendable (any Channel) throws -> Void) { self.setUp = setUp }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let accepted = self.unwrapInboundIn(data)
        if accepted.eventLoop === context.eventLoop {
            do {
                try self.setUp(accepted)
            } catch {
                return accepted.close(promise: nil)
            }
            return self.register(data, context: context)
        }
        let setUp = self.setUp
        let bound = NIOLoopBound((self, context, data), eventLoop: context.eventLoop)
        accepted.eventLoop.execute {
            do {
                try setUp(accepted)
            } catch {
                return accepted.close(promise: nil)
            }
            bound.eventLoop.execute { bound.value.0.register(bound.value.2, context: bound.value.1) }
        }
    }

    /// The last to see an accepted channel is the listening channel itself, which registers it with its loop's poll. It
    /// gets it as it came: to wrap a channel anew is to ask four times whether it is a buffer.
    private func register(_ accepted: NIOAny, context: ChannelHandlerContext) {
        guard context.channel.isActive else { return self.unwrapInboundIn(accepted).close(promise: nil) }
        (self.end ?? context).fireChannelRead(accepted)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.end = nil }

    /// Adds the short way to the end of the pipeline. On the channel's loop, when NIO has added its own handlers.
    func shortCut(in channel: any Channel) throws {
        let marker = End()
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(marker)
        self.end = try pipeline.context(handler: marker)
    }

    /// Marks a place.
    private final class End: ChannelInboundHandler {
        typealias InboundIn = any Channel
    }
}
