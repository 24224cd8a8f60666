// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// The end of a connection: by either side, by the socket, or by a failure.
extension TLSHandler {
    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input:
            context.close(mode: .input, promise: promise)
        case .output:
            shutGate()
            closeOutput(context: context, promise: promise)
        case .all:
            shutGate()
            switch machine.closeRequested(peerReads: context.channel.isWritable) {
            case .closeSocket:
                context.close(promise: promise)
            case .joinClose:
                if let promise { closePromises.append(promise) }
            case .sendCloseNotifyThenCloseSocket:
                if let promise { closePromises.append(promise) }
                finishWithCloseNotify(context: context)
            }
        }
    }

    private func closeOutput(context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        switch machine.outputCloseRequested() {
        case .refuse:
            promise?.fail(ChannelError.outputClosed)
        case .sendCloseNotify:
            dropStaged(ChannelError.outputClosed)
            connection.sendCloseNotify()
            let written = context.eventLoop.makePromise(of: Void.self)
            writeOutput(context: context, promise: written)
            written.futureResult.assumeIsolated().whenComplete { _ in
                context.close(mode: .output, promise: promise)
            }
        case .sendCloseNotifyThenCloseSocket:
            if let promise { closePromises.append(promise) }
            finishWithCloseNotify(context: context)
        }
    }

    /// Sends `close_notify`, and closes the socket when it is written or the patience is over.
    func finishWithCloseNotify(context: ChannelHandlerContext) {
        dropStaged(ChannelError.ioOnClosedChannel)
        connection.sendCloseNotify()
        let written = context.eventLoop.makePromise(of: Void.self)
        schedule(after: Self.closePatience, context: context) { handler, context in
            handler.closeNotifyFinished(context: context)
        }
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.closeNotifyFinished(context: context)
        }
        writeOutput(context: context, promise: written)
    }

    private func closeNotifyFinished(context: ChannelHandlerContext) {
        guard case .closeSocket = machine.closeNotifyFinished() else { return }
        closeSocket(context: context)
    }

    private func closeSocket(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        let promises = closePromises
        closePromises = []
        let promise = promises.first
        for other in promises.dropFirst() {
            promise?.futureResult.cascade(to: other)
        }
        context.close(promise: promise)
    }

    /// The peer's `close_notify` was read.
    func peerClosed(context: ChannelHandlerContext) {
        let action = machine.peerClosed()
        if case .ignore = action { return }
        if case .reportAndKeepWriting = action {} else { shutGate() }
        context.fireUserInboundEventTriggered(TLSPeerEnded.closeNotify)
        switch action {
        case .ignore:
            break
        case .reportAndKeepWriting:
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .reportAndAnswer:
            finishWithCloseNotify(context: context)
        case .reportAndClose:
            closeSocket(context: context)
        }
    }

    func socketEnded(context: ChannelHandlerContext, completely: Bool) {
        if completely { shutGate() }
        switch machine.socketEnded(completely: completely) {
        case .nothing:
            break
        case .reportTruncation:
            context.fireUserInboundEventTriggered(TLSPeerEnded.truncated)
        case .failHandshake:
            report(.closedDuringHandshake, context: context)
        }
    }

    func fail(_ error: TLSError, context: ChannelHandlerContext) {
        guard case .report = machine.failed() else { return }
        report(error, context: context)
    }

    /// Sends the alert that OpenSSL made of the failure, tells the pipeline, and closes the socket.
    func report(_ error: TLSError, context: ChannelHandlerContext) {
        shutGate()
        deadline?.cancel()
        deadline = nil
        if context.channel.isActive {
            if error == .plainHTTPRequest, tls.role == .server {
                // The client cannot read an alert, but it can read this.
                let answer = context.channel.allocator.buffer(string: Self.answerToPlainHTTP)
                context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
            } else {
                writeOutput(context: context, promise: nil)
            }
        }
        dropStaged(error)
        context.fireErrorCaught(error)
        closeSocket(context: context)
    }

    private static let answerToPlainHTTP: String = {
        let text = "This port speaks TLS: use https://\r\n"
        return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n"
            + "Connection: close\r\n\r\n" + text
    }()

    /// No more comes and goes: fails what still waits.
    func end(context: ChannelHandlerContext) {
        shutGate()
        deadline?.cancel()
        deadline = nil
        dropStaged(ChannelError.ioOnClosedChannel)
        let promises = closePromises
        closePromises = []
        for promise in promises { promise.succeed(()) }
    }

    private func dropStaged(_ error: any Error) {
        flushIsDue = false
        for promise in stage.drop() { promise.fail(error) }
    }

    /// Sets the one timer of this handler: for the handshake, later for the close.
    func schedule(
        after time: TimeAmount,
        context: ChannelHandlerContext,
        _ task: @escaping (TLSHandler, ChannelHandlerContext) -> Void
    ) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            task(self, context)
        }
    }
}
