// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// An open stream on an HTTP/1.1 connection: messages go from the log to the socket. This is the delivery path.

import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

extension HTTP1ServerConnection {
    func open(_ head: Response, token: StreamToken, preamble: ByteBuffer) {
        guard self.machine.streamStarted() else { return }
        self.token = token
        self.deadline = .max
        self.connection.activeStreams = 1
        self.isChunked = self.head?.applicationProtocol != .http10
        if let request = self.head { self.server.application.responseStarted(request, status: head.status) }
        self.head = nil
        self.dropParser()
        if self.isChunked { self.findTLS() }
        self.setReading(paused: false)

        var buffer = self.channel.allocator.buffer(capacity: 1024)
        HTTP1ResponseEncoder.write(
            head,
            framing: self.isChunked ? .chunked : .untilClose,
            date: self.server.httpDate(),
            closes: true,
            into: &buffer
        )
        self.frame(preamble.readableBytesView, into: &buffer)
        self.openGate()
        self.write(buffer)
    }

    /// The gate of an open stream whose every write has gone to the kernel; see ``WriteGate`` for when it must be shut.
    private func openGate() {
        guard self.machine.state == .streaming, self.isChunked, self.pendingWrites == 0 else { return }
        if let socket = self.directSocket { self.gate.open(to: socket) } else { self.tls?.openGate() }
    }

    /// Whether bytes can go to the socket past NIO's queue, as they are or encrypted.
    private var hasDirectWay: Bool { self.directSocket != nil || self.tls != nil }

    /// Offers bytes to the socket. `nil` if there is no way to it but NIO's queue.
    private func writeDirectly(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome? {
        self.directSocket?.write(bytes) ?? self.tls?.writeDirectly(bytes)
    }

    func send(from position: inout UInt64, of log: FramedLog) -> SendOutcome {
        guard self.pendingWrites == 0 else {
            self.awaitsWritable = true
            return .blocked
        }
        guard self.isChunked else { return self.sendQueued(from: &position, of: log) }
        while log.holds(position) {
            let run = log.run(from: position, limit: self.server.limits.maximumBurstBytes)
            guard let outcome = self.writeDirectly(run.bytes) else { return self.sendQueued(from: &position, of: log) }
            guard self.settle(outcome, of: run, from: &position, in: log) else { return .blocked }
        }
        return .caughtUp
    }

    func resume(
        after outcome: WriteOutcome,
        of run: FramedLog.Run,
        from position: inout UInt64,
        in log: FramedLog
    ) -> SendOutcome {
        self.settle(outcome, of: run, from: &position, in: log) ? self.send(from: &position, of: log) : .blocked
    }

    /// Books what became of a write. - Returns: `false` if the stream takes no more for now.
    private func settle(
        _ outcome: WriteOutcome,
        of run: FramedLog.Run,
        from position: inout UInt64,
        in log: FramedLog
    ) -> Bool {
        switch outcome {
        case .wrote(run.bytes.count): position = run.next
        case .wrote(let count):
            return self.queueRest(of: run.bytes, after: count, in: log.message(at: count, from: position), &position)
        case .buffered(let count):
            // Also with nothing left to encrypt: an empty write takes along what waits below, and tells when it is
            // gone.
            let last = log.message(at: count - 1, from: position)
            return self.queueRest(of: run.bytes, after: count, in: last, &position)
        case .failed(let code):
            self.lose(.writing(errno: code))
            return false
        }
        return true
    }

    /// The kernel took `count` bytes. The message it broke off in goes to NIO's queue, which also learns from it when
    /// the socket is writable again; the messages behind it stay in the log.
    private func queueRest(
        of bytes: UnsafeRawBufferPointer,
        after count: Int,
        in message: (sequence: UInt64, end: Int),
        _ position: inout UInt64
    ) -> Bool {
        self.enqueue(ByteBuffer(bytes: bytes[count..<message.end]))
        position = message.sequence + 1
        self.awaitsWritable = self.pendingWrites > 0
        return !self.awaitsWritable
    }

    /// The same without a way to the socket, or unchunked for HTTP/1.0.
    private func sendQueued(from position: inout UInt64, of log: FramedLog) -> SendOutcome {
        while log.holds(position) {
            if self.isChunked {
                let run = log.run(from: position, limit: self.server.limits.maximumBurstBytes)
                position = run.next
                self.enqueue(ByteBuffer(bytes: run.bytes))
            } else if let payload = log.payload(position) {
                position += 1
                self.write(ByteBuffer(bytes: payload))
            }
            if self.pendingWrites > 0 {
                self.awaitsWritable = true
                return .blocked
            }
        }
        return .caughtUp
    }

    func send(_ message: UnsafeRawBufferPointer) -> Bool {
        guard self.pendingWrites == 0, self.token != nil else {
            self.awaitsWritable = true
            return false
        }
        guard self.isChunked, self.hasDirectWay else {
            var buffer = self.channel.allocator.buffer(capacity: message.count + 16)
            self.frame(message, into: &buffer)
            self.write(buffer)
            return true
        }
        let length = ChunkFraming.sizeLineLength(message.count) + message.count + 2
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 1) { chunk in
            guard let start = chunk.baseAddress, let payload = message.baseAddress else { return }
            let header = ChunkFraming.writeSizeLine(message.count, to: start)
            (start + header).copyMemory(from: payload, byteCount: message.count)
            ChunkFraming.writeLineEnd(to: start + header + message.count)
            self.writeOrEnqueue(UnsafeRawBufferPointer(chunk))
        }
        return true
    }

    func finish(_ lastMessage: ByteBuffer?) {
        // Also when the connection was lost meanwhile: an end that the application brought about is not told.
        self.forgetStream()
        guard self.machine.streamFinished() else { return }
        var buffer = ByteBuffer()
        if let lastMessage { self.frame(lastMessage.readableBytesView, into: &buffer) }
        if self.isChunked { buffer.writeStaticString(ChunkFraming.lastChunk) }
        self.write(buffer)
        self.linger()
    }

    func abort() {
        self.forgetStream()
        guard self.machine.connectionLost() else { return }
        self.connection.ends(by: .complete)
        self.socket?.resetOnClose()
        self.closeNow()
    }

    private func forgetStream() {
        self.shutGate()
        self.token = nil
        self.awaitsWritable = false
        self.connection.activeStreams = 0
    }

    private func frame(_ message: some Collection<UInt8>, into buffer: inout ByteBuffer) {
        guard !message.isEmpty else { return }
        guard self.isChunked else {
            buffer.writeBytes(message)
            return
        }
        buffer.writeString(String(message.count, radix: 16))
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(message)
        buffer.writeStaticString("\r\n")
    }

    // MARK: Writing

    func write(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        guard self.pendingWrites == 0, self.hasDirectWay else { return self.enqueue(buffer) }
        buffer.withUnsafeReadableBytes { self.writeOrEnqueue($0) }
    }

    private func writeOrEnqueue(_ bytes: UnsafeRawBufferPointer) {
        switch self.writeDirectly(bytes) ?? .wrote(0) {
        case .wrote(bytes.count): break
        case .wrote(let count), .buffered(let count): self.enqueue(ByteBuffer(bytes: bytes[count...]))
        case .failed(let code): self.lose(.writing(errno: code))
        }
    }

    /// Bound: one message beyond what the kernel took, since nothing more is offered until it is flushed.
    private func enqueue(_ buffer: ByteBuffer) {
        self.pendingWrites += 1
        self.gate.shut()
        self.isInsideWrite = true
        let written = self.channel.writeAndFlush(buffer)
        self.isInsideWrite = false
        written.assumeIsolated().whenComplete { result in
            self.pendingWrites -= 1
            switch result {
            case .success: self.flushed()
            case .failure(let error): self.lose(.writing(errno: (error as? IOError)?.errnoCode ?? EPIPE))
            }
        }
    }

    private func flushed() {
        guard self.pendingWrites == 0 else { return }
        self.openGate()
        self.shutDownIfFlushed()
        guard self.awaitsWritable, let token = self.token else { return }
        self.awaitsWritable = false
        self.server.application.streamBecameWritable(token)
    }
}
