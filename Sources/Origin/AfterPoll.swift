// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Lets a loop's sockets in between two slices of work.
//
// A task that submits the next slice as a task does not: NIO runs tasks, and the tasks that they submit, and timers
// that have come due meanwhile, until there are none, and only then polls. A loop with more to deliver than it can
// would neither accept nor read nor answer an operator, for ever. So the next slice waits in the same queue as
// everybody's bytes: a byte goes into a pipe whose other end the loop polls.

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs work on one event loop after the loop has polled. Belongs to that loop.
final class AfterPoll: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Bound: one entry for each kind of work in slices, of which there are three.
    private var waiting: [() -> Void] = []
    private let signal: CInt
    /// The pipe's other end; `nil` once it is closed, when a byte would raise SIGPIPE and nobody would read it.
    private var reading: (any NIOCore.Channel)?

    private init(signal: CInt) { self.signal = signal }

    deinit { close(self.signal) }

    /// - Throws: `IOError` if the process has no descriptors left.
    static func make(on loop: any EventLoop) async throws -> NIOLoopBound<AfterPoll> {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "pipe") }
        let (input, signal) = (ends[0], ends[1])
        return try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(input: input) { channel in
            channel.eventLoop.makeCompletedFuture {
                let afterPoll = AfterPoll(signal: signal)
                try channel.pipeline.syncOperations.addHandler(afterPoll)
                return NIOLoopBound(afterPoll, eventLoop: channel.eventLoop)
            }
        }
    }

    /// After ``stop()`` nothing is run any more.
    func run(_ body: @escaping () -> Void) {
        guard self.reading != nil else { return }
        self.waiting.append(body)
        guard self.waiting.count == 1 else { return }
        // A pipe that was read empty before anything is waiting again has room for a byte.
        var byte: UInt8 = 0
        while write(self.signal, &byte, 1) < 0, errno == EINTR {}
    }

    func stop() {
        self.waiting = []
        self.reading?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.reading = context.channel }
    func channelInactive(context: ChannelHandlerContext) { self.reading = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let due = self.waiting
        self.waiting = []
        for body in due { body() }
    }
}
