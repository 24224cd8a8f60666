// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Open streams on an HTTP/2 connection: messages go from the log into the connection's one output buffer, which is
// written once for all streams of a turn. This is the delivery path.

import NIOCore

extension HTTP2ServerConnection {
    func open(_ head: Response, on slot: StreamSlot, token: StreamToken, preamble: ByteBuffer) {
        guard let exchange = self.exchanges[slot], let pending = exchange.request, exchange.token == nil else { return }
        guard self.session.sendHead(slot, self.head(of: head)) else { return }
        self.exchanges[slot]?.request = nil
        self.exchanges[slot]?.token = token
        self.server.application.responseStarted(pending.head, status: head.status)
        self.connection.activeStreams += 1
        self.append(preamble, to: slot, thenEnd: false)
        self.scheduleFlush()
    }

    @inline(__always)
    func send(from position: inout UInt64, of log: FramedLog, on slot: StreamSlot) -> SendOutcome {
        self.scheduleFlush()
        // Half full: written now, so that a turn of many streams does not run into the bound and wait for the next.
        if self.session.pendingOutputBytes * 2 >= self.session.configuration.maxBufferedBytes { self.flush() }
        // The flush may have found the peer gone, of which the application hears in a turn of its own.
        guard !self.isClosing else { return .blocked }
        while let payload = log.payload(position) {
            switch self.session.appendData(slot, payload) {
            case .accepted: position += 1
            case .partial(let count):
                position += 1
                self.keepRest(payload, from: count, of: slot)
                return .blocked
            case .noStreamWindow, .noConnectionWindow, .bufferFull, .closed:
                self.exchanges[slot]?.awaitsWritable = true
                return .blocked
            }
        }
        return .caughtUp
    }

    /// The same for a message within a pass over many streams, where nothing but the copy is to be done: the flush of
    /// this turn is due anyway, and there is room. `false` asks for the longer way, and leaves everything as it is.
    @inline(__always)
    func appendInPass(_ payload: UnsafeRawBufferPointer, on slot: StreamSlot) -> Bool {
        guard self.isFlushScheduled,
            self.session.pendingOutputBytes * 2 < self.session.configuration.maxBufferedBytes
        else { return false }
        return self.session.appendAtOnce(slot, payload)
    }

    /// One message for one stream; `false` if none of it was taken.
    func send(_ message: UnsafeRawBufferPointer, on slot: StreamSlot) -> Bool {
        guard !self.isClosing else { return false }
        self.scheduleFlush()
        switch self.session.appendData(slot, message) {
        case .accepted: return true
        case .partial(let count):
            self.keepRest(message, from: count, of: slot)
            return true
        case .noStreamWindow, .noConnectionWindow, .bufferFull, .closed:
            self.exchanges[slot]?.awaitsWritable = true
            return false
        }
    }

    private func keepRest(_ message: UnsafeRawBufferPointer, from count: Int, of slot: StreamSlot) {
        self.exchanges[slot]?.rest = ByteBuffer(bytes: message[count...])
        self.exchanges[slot]?.awaitsWritable = true
    }

    func finish(_ lastMessage: ByteBuffer?, on slot: StreamSlot) {
        guard let exchange = self.exchanges[slot], exchange.token != nil else { return }
        self.exchanges[slot]?.token = nil
        self.exchanges[slot]?.awaitsWritable = false
        self.connection.activeStreams -= 1
        self.append(lastMessage ?? ByteBuffer(), to: slot, thenEnd: true)
        self.scheduleFlush()
    }

    func abort(_ slot: StreamSlot) {
        guard self.exchanges[slot] != nil else { return }
        self.drop(slot)
        self.session.reset(slot, .cancel)
        self.scheduleFlush()
    }

    /// Appends what there is no other place for: heads' first bytes, bodies, last messages. What does not fit now
    /// follows when the stream has its turn.
    func append(_ bytes: ByteBuffer, to slot: StreamSlot, thenEnd: Bool) {
        var bytes = bytes
        if let rest = self.exchanges[slot]?.rest, rest.readableBytes > 0 {
            var joined = rest
            joined.writeImmutableBuffer(bytes)
            self.exchanges[slot]?.rest = joined
            self.exchanges[slot]?.endsAfterRest = thenEnd
            return
        }
        switch bytes.withUnsafeReadableBytes({ self.session.appendData(slot, $0, endStream: thenEnd) }) {
        case .accepted, .closed: if thenEnd { self.drop(slot) }
        case .partial(let count):
            bytes.moveReaderIndex(forwardBy: count)
            self.exchanges[slot]?.rest = bytes
            self.exchanges[slot]?.endsAfterRest = thenEnd
        case .noStreamWindow, .noConnectionWindow, .bufferFull:
            self.exchanges[slot]?.rest = bytes
            self.exchanges[slot]?.endsAfterRest = thenEnd
        }
    }

    /// It is this stream's turn to write.
    func resume(_ slot: StreamSlot) {
        guard var exchange = self.exchanges[slot] else { return }
        if exchange.rest.readableBytes > 0 {
            let rest = exchange.rest
            self.exchanges[slot]?.rest = ByteBuffer()
            self.append(rest, to: slot, thenEnd: exchange.endsAfterRest)
            guard let now = self.exchanges[slot] else { return }
            exchange = now
        }
        guard exchange.rest.readableBytes == 0, exchange.awaitsWritable, let token = exchange.token else { return }
        self.exchanges[slot]?.awaitsWritable = false
        self.server.application.streamBecameWritable(token)
    }
}
