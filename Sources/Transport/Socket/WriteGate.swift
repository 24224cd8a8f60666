// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Whether a stream's bytes may go straight to its socket, and to which descriptor: four bytes of memory that the
// connection writes and the fan-out reads. With it, an event costs a look at one word and a system call; without it,
// a walk over the connection, its NIO channel and the channel's flag, each cold in the cache and each retained.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One stream's direct way to its socket. Belongs to the connection's event loop.
///
/// Two proofs are owed for it:
/// - *The cell is there, and no other connection's.* The connection takes it from its loop's ``GateTable``, which it
///   keeps alive, and gives it back in its `deinit`; whoever holds a gate holds the ``ServerStream`` that it came from,
///   and so the connection.
/// - *The descriptor is the connection's own.* NIO closes a descriptor before it tells anyone, and its number may then
///   belong to another peer, so a gate must be shut by then. A close of our making shuts it first. A close of NIO's
///   making (an error, a reset, the loop's end) is one call without an interruption from the closing of the descriptor
///   to `channelInactive`, which shuts the gate. Of our code only one thing can run inside that call: a queued write
///   of this connection failing, but a gate is shut while one is queued. The parser is not fed there.
/// - *The same of a descriptor that a ``SendRing`` has collected.* It is sent to before the pass that collected it
///   returns, and what that pass does meanwhile closes no connection but one whose own write has just failed. That one
///   is not collected any more: a stream is served once in a pass.
///
/// The same is owed for the gate of a connection with TLS, a connected ``OutgoingBIO``, which also sends what OpenSSL
/// has to say of its own accord:
/// - *It is there.* The connection keeps its ``TLSHandler`` from the stream's opening to its own end.
/// - *The descriptor is the connection's own.* ``TLSHandler`` shuts the gate before every close that passes through it,
///   which is all of ours, and in its `channelInactive`, which comes before any other handler's. Inside a close of
///   NIO's making a queued write can fail, but the gate was shut when it was queued, and a failure does not open it.
///   OpenSSL is only called by writes of the loop's turns, and by reads, which end with the descriptor.
///
/// `Sendable` for the sake of the table's lock alone.
struct WriteGate: @unchecked Sendable {  // proven: above
    private let cell: UnsafeMutablePointer<CInt>
    private static let shutMark: CInt = -1

    /// Makes a shut gate of memory that is not initialised yet.
    init(at cell: UnsafeMutablePointer<CInt>) {
        cell.initialize(to: Self.shutMark)
        self.cell = cell
    }

    /// Makes the gate that has this ``address``.
    init(reopening address: UnsafeMutableRawPointer) { self.cell = address.assumingMemoryBound(to: CInt.self) }

    var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self.cell) }

    func open(to socket: DirectSocket) { self.open(descriptor: socket.descriptor) }
    func open(descriptor: CInt) { self.cell.pointee = descriptor }
    func shut() { self.cell.pointee = Self.shutMark }

    /// The socket's, or `nil` if the gate is shut.
    @inline(__always)
    var descriptor: CInt? {
        let descriptor = self.cell.pointee
        return descriptor == Self.shutMark ? nil : descriptor
    }

    /// Offers bytes to the socket, or returns `nil` if the gate is shut. Never blocks. What comes of a write that was
    /// not taken whole must be told to ``ServerStream/resume(after:of:from:in:)``.
    @inline(__always)
    func write(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome? {
        self.descriptor.map { DirectSocket.write(bytes, to: $0) }
    }
}
