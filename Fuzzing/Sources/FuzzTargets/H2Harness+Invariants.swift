// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What must hold of a session at any time, and what must come to pass in the end.

import NIOCore

@testable import Transport

extension H2Harness {
    func check() {
        let limits = session.configuration
        // A GOAWAY with its debug data may come on top of all else.
        let outputLimit = limits.maxBufferedBytes + limits.maxControlBytes + 300
        require(session.pendingOutputBytes <= outputLimit, "\(session.pendingOutputBytes) bytes of output wait")
        require(session.streamCount <= limits.maxConcurrentStreams, "\(session.streamCount) streams are open")
        require(session.connectionWindow <= HTTP2Constant.maximumWindow, "window \(session.connectionWindow)")
        require(session.connectionWindow >= 0, "window \(session.connectionWindow)")
        if session.isFailed {
            require(session.nextWritable() == nil, "a turn on a failed connection")
            return
        }
        let inputLimit = limits.maxFrameSize + limits.maxControlBytes + (1 << 20)
        require(session.input.readableBytes <= inputLimit, "\(session.input.readableBytes) bytes of input wait")
        let block = session.headerBlock?.fragments.readableBytes ?? 0
        require(block <= limits.maxHeaderBlockBytes, "a field block of \(block) bytes")
        checkStreams()
    }

    private func checkStreams() {
        var open = 0
        var queued = 0
        var lingering = 0
        var unconsumed = 0
        for (position, stream) in session.table.streams.enumerated() where stream.id != 0 {
            open += 1
            require(session.table.find(stream.id) == position, "stream \(stream.id) is not in the index")
            if stream.state.contains(.queued) { queued += 1 }
            if stream.state.contains(.lingering) { lingering += 1 }
            require(stream.state.isDisjoint(with: .queued) || !stream.state.contains(.lingering), "in two queues")
            require(!stream.state.contains(.stalled) || !stream.state.contains(.queued), "stalled and in line")
            require(Int(stream.receiveWindow) + Int(stream.unconsumed) <= session.streamReceiveWindow, "window grew")
            unconsumed += Int(stream.unconsumed)
        }
        require(open == session.streamCount, "\(open) streams, \(session.streamCount) counted")
        require(open - lingering == streams.count, "\(open - lingering) streams, the caller knows \(streams.count)")
        require(queued == length(of: session.waiting), "the line of waiting streams is broken")
        require(lingering == length(of: session.lingering), "the line of lingering streams is broken")
        for (slot, stream) in streams {
            require(session.streamID(of: slot) == stream.id, "the slot of stream \(stream.id) is dead")
            require(session.streamWindow(of: slot) <= HTTP2Constant.maximumWindow, "a window above 2^31-1")
        }
        // Not a byte of the connection's window may be lost: that would starve every later request.
        let window = session.connectionReceive
        require(
            window.available + window.returned + unconsumed == window.limit,
            "\(window.available) + \(window.returned) + \(unconsumed) of \(window.limit)")
    }

    /// The number of streams in a line, or -1 if it does not hang together.
    private func length(of queue: HTTP2StreamQueue) -> Int {
        var count = 0
        var position = queue.first
        var last: Int32 = -1
        while position >= 0 {
            count += 1
            guard count <= session.streamCount, session.table[position].previous == last else { return -1 }
            last = position
            position = session.table[position].next
        }
        return queue.last == last ? count : -1
    }

    /// Opens all windows and takes all output: then every byte that anyone offered must get out.
    func settle(_ handle: (HTTP2Event) -> Void = { _ in }) {
        drainAll()
        guard !session.isFailed, session.headerBlock == nil, session.input.readableBytes == 0 else { return }
        // An hour later, so that the limits on floods are no obstacle.
        now += 3_600_000_000_000
        session.advance(to: now)
        open(stream: 0, window: session.connectionWindow, handle)
        for slot in slots {
            guard let id = session.streamID(of: slot) else { continue }
            open(stream: id, window: session.streamWindow(of: slot), handle)
        }
        for _ in 0..<10_000 where !session.isFailed {
            drainAll()
            let before = client.dataBytes
            resumeWaiting()
            drainAll()
            if client.dataBytes == before { break }
        }
        guard !session.isFailed else { return }
        for slot in slots {
            guard let stream = streams[slot], stream.hasHeaders, session.connectionWindow > 0 else { continue }
            require(stream.rest.isEmpty, "stream \(stream.id) waits for ever with \(stream.rest.count) bytes")
        }
        require(client.isBetweenFrames, "the output ends inside of a frame")
    }

    private func drainAll() {
        drain()
        drainByQueue(flushing: .max)
        pump()
        drain()
    }

    /// Raises a window to at least 16 MiB.
    private func open(stream id: UInt32, window: Int, _ handle: (HTTP2Event) -> Void) {
        var missing = (1 << 24) - window
        while missing > 0 {
            let increment = min(missing, HTTP2Constant.maximumWindow)
            receive(H2Frames.windowUpdate(id, UInt32(increment), &client), handle)
            missing -= increment
        }
    }
}

/// What RFC 9113, section 8, promises of a request that the caller sees.
enum H2RequestRules {
    static func check(_ request: HTTP2Request) {
        require(!request.method.isEmpty, "a request without a method")
        require(request.method == "CONNECT" || !request.path.isEmpty, "a request without a path")
        var regular = false
        for (name, value, _) in request.headers {
            let isPseudo = name.hasPrefix(":")
            require(!isPseudo || !regular, "\(name) behind a regular field")
            regular = regular || !isPseudo
            require(!name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "the name \(name)")
            require(!name.utf8.contains { (0x41...0x5a).contains($0) }, "the name \(name)")
            require(!value.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 }, "the value of \(name)")
            require(!["connection", "transfer-encoding", "upgrade"].contains(name), "the field \(name)")
        }
    }
}
