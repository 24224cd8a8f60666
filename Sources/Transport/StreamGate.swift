// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The short way from a fan-out to a stream: 16 bytes that a pass reads with the rest of the stream's hot state, without
// a reference to count. What does not go this way goes by `ServerStream.send(from:of:)`.

/// One stream's short way, valid for as long as its ``ServerStream`` is held. Belongs to the connection's event loop.
public struct StreamGate {
    /// Over HTTP/1.1 the cell of a ``WriteGate``, or with TLS the ``TLSConnection``; over HTTP/2 the connection. The
    /// stream holds a reference to each.
    private let target: UnsafeMutableRawPointer
    /// Over HTTP/1.1 ``none`` or ``encrypted``.
    private let slot: StreamSlot

    private static let none = StreamSlot(index: -1, generation: 0)
    private static let encrypted = StreamSlot(index: -2, generation: 0)

    init(_ gate: WriteGate) {
        self.target = gate.address
        self.slot = Self.none
    }

    init(_ tls: TLSConnection) {
        self.target = Unmanaged.passUnretained(tls).toOpaque()
        self.slot = Self.encrypted
    }

    init(_ connection: HTTP2ServerConnection, _ slot: StreamSlot) {
        self.target = Unmanaged.passUnretained(connection).toOpaque()
        self.slot = slot
    }

    /// The socket that takes bytes past everything else, if this is the way of one and it is open now.
    @inline(__always)
    var descriptor: CInt? {
        self.slot.index == Self.none.index ? WriteGate(reopening: self.target).descriptor : nil
    }

    /// Offers a run of messages, or returns `nil` if the stream needs the longer way now. Never blocks. What comes of a
    /// write that was not taken whole must be told to ``ServerStream/resume(after:of:from:in:)``.
    public func write(_ run: FramedLog.Run) -> WriteOutcome? {
        if self.slot.index == Self.none.index { return WriteGate(reopening: self.target).write(run.bytes) }
        if self.slot.index == Self.encrypted.index {
            return Unmanaged<TLSConnection>.fromOpaque(self.target)
                ._withUnsafeGuaranteedRef { $0.writeThroughGate(run.bytes) }
        }
        guard run.isSingle else { return nil }
        let isTaken = Unmanaged<HTTP2ServerConnection>.fromOpaque(self.target)
            ._withUnsafeGuaranteedRef { $0.appendInPass(run.payload, on: self.slot) }
        return isTaken ? .wrote(run.bytes.count) : nil
    }
}
