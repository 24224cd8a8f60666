// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Writes to a connection's socket past NIO's queue. An event goes out with one `write` and no heap traffic; the
// queue is only for what the kernel would not take. See docs/architecture.md, "Transport".

import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the kernel said to a write.
public enum WriteOutcome: Equatable {
    /// It took this many bytes: fewer than offered when its buffer is full.
    case wrote(Int)
    /// Over TLS: this many bytes are encrypted, and the last of them wait for the kernel, whose buffer is full.
    case buffered(Int)
    case failed(errno: CInt)
}

extension WriteOutcome {
    /// - Parameter result: a count of bytes or a negative errno.
    @inline(__always)
    init(result: Int) {
        switch result {
        case 0...: self = .wrote(result)
        // Interrupted before anything was taken is as good as a full socket, which is tried again.
        case -Int(EAGAIN), -Int(EWOULDBLOCK), -Int(EINTR): self = .wrote(0)
        default: self = .failed(errno: CInt(truncatingIfNeeded: -result))
        }
    }
}

/// The socket below a NIO channel, usable on the channel's event loop while the channel is active.
struct DirectSocket {
    private let channel: any Channel
    let descriptor: CInt

    /// `nil` if the channel has no plain socket below it (an embedded channel in a test).
    init?(_ channel: any Channel) {
        guard let core = channel as? any NIOTransportAccessibleChannelCore, let found = Self.descriptor(of: core)
        else { return nil }
        self.init(channel, descriptor: found)
    }

    /// The pipeline's `withUnsafeTransportIfAvailable` comes to the same, but casts to a protocol with its associated
    /// type given, for which Swift has no cache: more than a microsecond for each connection.
    private static func descriptor(of core: some NIOTransportAccessibleChannelCore) -> NIOBSDSocket.Handle? {
        try? core.withUnsafeTransport { $0 as? NIOBSDSocket.Handle }
    }

    /// For a descriptor that is known already to be the channel's.
    init(_ channel: any Channel, descriptor: CInt) {
        self.channel = channel
        self.descriptor = descriptor
    }

    /// Never blocks. The active check comes first because NIO closes the descriptor before it tells anyone, and its
    /// number may belong to another connection by the time the news arrives.
    func write(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome {
        guard self.channel.isActive else { return .failed(errno: EPIPE) }
        return Self.write(bytes, to: self.descriptor)
    }

    /// The same for a caller who knows that the descriptor is still the connection's.
    @inline(__always)
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> WriteOutcome {
        WriteOutcome(result: Self.result(of: bytes, to: descriptor))
    }

    /// The same, with what the kernel says: a count of bytes or a negative errno.
    @inline(__always)
    static func result(of bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Int {
        while true {
            // MSG_NOSIGNAL: a peer that went away must not raise SIGPIPE.
            let count = send(descriptor, bytes.baseAddress, bytes.count, Self.flags)
            if count >= 0 { return count }
            if errno != EINTR { return -Int(errno) }
        }
    }

    var isActive: Bool { self.channel.isActive }

    func sample() -> SocketSample? {
        self.channel.isActive ? SocketSample.take(from: self.descriptor) : nil
    }

    /// Makes the coming close a TCP RST, so that the kernel drops what the peer would not read.
    func resetOnClose() {
        guard self.channel.isActive else { return }
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    #if os(Linux)
        private static let flags = CInt(MSG_NOSIGNAL)
    #else
        private static let flags: CInt = 0
    #endif
}
