// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The line between transport and application. The transport knows connections, requests and streams of bytes; the
// application knows what they are about. Neither sees the other's protocol.

import NIOCore
import NIOHTTP1

/// The application's own name for one of its open streams; the transport hands it back and looks no further.
public struct StreamToken: Sendable, Hashable {
    public let slot: Int32
    public let generation: UInt32

    public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// What answers requests. There is one instance per event loop, every call comes on that loop, and none may block.
public protocol Application: AnyObject {
    /// Says what to do with a request, by its head alone.
    func plan(for head: RequestHead) -> RequestPlan

    /// Answers a request with ``ServerStream/respond(_:)`` or ``ServerStream/open(_:token:preamble:)``, now or later
    /// on the same loop. Every stream must get one answer.
    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream)

    /// A request is being answered with this status, by the application or by the transport itself.
    func responseStarted(_ head: RequestHead, status: HTTPResponseStatus)

    /// A stream that ``ServerStream/send(from:of:)`` found blocked can take bytes again.
    func streamBecameWritable(_ token: StreamToken)

    /// An open stream ended without the application's doing. Not called for streams that it finished or aborted.
    func streamEnded(_ token: StreamToken, _ end: StreamEnd)

    /// A connection has shown which protocol it speaks, with its first request or with HTTP/2's preface.
    func connectionEstablished(_ connection: Connection)

    /// A connection is gone, established or not; ``Connection/end`` says by whose doing. Comes after the ends of its
    /// streams.
    func connectionEnded(_ connection: Connection)
}

extension Application {
    public func responseStarted(_ head: RequestHead, status: HTTPResponseStatus) {}
    public func connectionEstablished(_ connection: Connection) {}
    public func connectionEnded(_ connection: Connection) {}
}
