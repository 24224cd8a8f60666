// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

@Suite struct TLSClosingTests {
    @Test(arguments: TLSVersion.allCases)
    func closeSendsCloseNotifyAndThePeerAnswers(version: TLSVersion) throws {
        let pair = try TLSPair(server: { $0.maximumVersion = version })
        try pair.connectAndShakeHands()
        pair.server.send("last words")
        pair.server.channel.close(promise: nil)
        #expect(pair.server.recorder.isInactive)
        try pair.pump()
        #expect(pair.client.recorder.text == "last words")
        #expect(pair.client.recorder.ends == [.closeNotify])
        #expect(pair.client.recorder.isInactive)
        #expect(pair.client.recorder.errors == [])
        #expect(pair.server.recorder.ends == [])
    }

    @Test func endOfTheSocketWithoutCloseNotifyIsTruncation() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        pair.server.channel.pipeline.fireChannelInactive()
        #expect(pair.server.recorder.ends == [.truncated])
        #expect(pair.server.recorder.errors == [])
        #expect(pair.server.recorder.isInactive)
    }

    @Test func endAfterCloseNotifyIsNoTruncation() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        pair.client.channel.close(promise: nil)
        try pair.pump()
        #expect(pair.server.recorder.ends == [.closeNotify])
    }

    @Test func endDuringTheHandshakeIsItsOwnError() throws {
        let pair = try TLSPair()
        try pair.connect()
        pair.server.channel.pipeline.fireChannelInactive()
        #expect(pair.server.recorder.errors == [.closedDuringHandshake])
        #expect(pair.server.recorder.ends == [])
    }

    @Test func unflushedWritesFailAtTheClose() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        let unflushed = pair.server.channel.write(ByteBuffer(string: "never sent"))
        pair.server.channel.close(promise: nil)
        #expect(throws: ChannelError.ioOnClosedChannel) { try unflushed.wait() }
        #expect(throws: ChannelError.self) {
            try pair.server.channel.writeAndFlush(ByteBuffer(string: "too late")).wait()
        }
        try pair.pump()
        #expect(pair.client.recorder.text == "")
    }

    @Test func peerThatDoesNotReadDoesNotHoldUpTheClose() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        pair.server.channel.isWritable = false
        pair.server.channel.close(promise: nil)
        #expect(pair.server.recorder.isInactive)
        #expect(try pair.server.output().readableBytes == 0)
    }

    @Test func closeIsBoundedWhenTheSocketTakesNothing() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        let stuck = StuckWrites()
        try pair.server.channel.pipeline.syncOperations.addHandler(stuck, position: .first)
        let first = pair.server.channel.close()
        let second = pair.server.channel.close()
        #expect(!pair.server.recorder.isInactive)
        pair.loop.advanceTime(by: TLSHandler.closePatience)
        #expect(pair.server.recorder.isInactive)
        try first.wait()
        try second.wait()
        for promise in stuck.promises { promise.fail(ChannelError.ioOnClosedChannel) }
    }

    @Test func outputClosesAloneAndInputGoesOn() throws {
        let pair = try TLSPair(
            server: { $0.allowsHalfClosure = true },
            client: { $0.allowsHalfClosure = true })
        try pair.connectAndShakeHands()
        let socket = HalfClosing()
        try pair.client.channel.pipeline.syncOperations.addHandler(socket, position: .first)
        pair.client.send("question")
        pair.client.channel.close(mode: .output, promise: nil)
        try pair.pump()
        #expect(pair.server.recorder.text == "question")
        #expect(pair.server.recorder.ends == [.closeNotify])
        #expect(pair.server.recorder.channelEvents == [.inputClosed])
        #expect(!pair.server.recorder.isInactive)
        #expect(socket.closedOutputs == 1)
        #expect(throws: ChannelError.ioOnClosedChannel) {
            try pair.client.channel.writeAndFlush(ByteBuffer(string: "more")).wait()
        }
        pair.server.send("answer")
        pair.server.channel.close(promise: nil)
        try pair.pump()
        #expect(pair.client.recorder.text == "answer")
        #expect(pair.client.recorder.ends == [.closeNotify])
        #expect(pair.client.recorder.isInactive)
    }

    @Test func finOfTCPAloneIsTruncationEvenWhenTheSocketLives() throws {
        let pair = try TLSPair(server: { $0.allowsHalfClosure = true })
        try pair.connectAndShakeHands()
        pair.server.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(pair.server.recorder.ends == [.truncated])
        #expect(pair.server.recorder.channelEvents == [.inputClosed])
        // Writing still works.
        pair.server.send("still here")
        try pair.pump()
        #expect(pair.client.recorder.text == "still here")
    }
}

/// Takes writes and never completes them: a socket whose peer has stopped reading.
private final class StuckWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var promises: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { promises.append(promise) }
    }
}

/// Half-closes as a TCP socket does; `EmbeddedChannel` would close both directions.
private final class HalfClosing: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var closedOutputs = 0

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        closedOutputs += 1
        promise?.succeed(())
    }
}
