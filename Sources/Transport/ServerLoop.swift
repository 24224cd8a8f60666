// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What the connections of one event loop share: the application, the limits, the table of those alive and the sweep
// over their deadlines. One sweep for all is cheaper than a timer for each.

import Logging
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#endif

/// Time limits and sizes of HTTP/1.1 connections. Durations in nanoseconds.
public struct ServerLimits: Sendable {
    /// From the first chance to send a head until it is complete.
    public var headerTimeout: Int64 = .nanoseconds(seconds: 10)
    /// From the end of the head to the end of the body.
    public var bodyTimeout: Int64 = .nanoseconds(seconds: 30)
    /// Between two requests on a connection.
    public var keepAliveTimeout: Int64 = .nanoseconds(seconds: 75)
    /// How long we wait for the peer's FIN after our own, reading and dropping what still comes, so that an RST does
    /// not destroy the answer on its way (RFC 9112, section 9.6).
    public var lingerTimeout: Int64 = .nanoseconds(seconds: 2)
    /// Bytes of a request's line and fields in all.
    public var maximumHeaderBytes = 32 * 1024
    public var maximumHeaderFields = 128
    /// Bytes that a client may send behind an open HTTP/1.1 stream or a refused body before it is cut off.
    public var maximumDiscardedBytes = 256 * 1024
    /// Bytes of request bodies that one HTTP/2 connection may have on their way; beyond it its windows stay shut.
    public var maximumPendingBodyBytes = 8 * 1024 * 1024
    /// One write hands at most about this much of a lagging stream's backlog to the kernel, so that a stream that
    /// catches up does not hold up the others.
    public var maximumBurstBytes = 256 * 1024
    /// Limits of each HTTP/2 connection.
    public var http2 = HTTP2SessionConfiguration()
    /// Write to the socket past NIO's queue where possible. Off for comparison and debugging.
    public var directWrites = true
    /// Send to many sockets in one system call where the kernel can (io_uring). Off for comparison, and where a policy
    /// forbids it. Only with ``directWrites``.
    public var ioUring = true

    public init() {}
}

/// One event loop's side of the server. Belongs to that loop.
public final class ServerLoop {
    let application: any Application
    let limits: ServerLimits
    let gates = GateTable()
    /// The way of a pass to many sockets at once; `nil` where each is sent to by itself.
    public let sends: SendRing?
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// In no order; each knows its place.
    private var connections: ContiguousArray<any SweptConnection> = []
    private var sweep: RepeatedTask?
    private var date: (second: Int64, text: String) = (0, "")

    /// - Parameter limits: apply to every connection of this loop, whichever listener accepted it.
    public init(eventLoop: any EventLoop, application: any Application, limits: ServerLimits, logger: Logger) {
        eventLoop.preconditionInEventLoop()
        self.eventLoop = eventLoop
        self.application = application
        self.limits = limits
        self.logger = logger
        self.sends = Self.makeSends(limits, logger: logger)
    }

    private static func makeSends(_ limits: ServerLimits, logger: Logger) -> SendRing? {
        guard limits.directWrites, limits.ioUring else { return nil }
        do throws(IOUring.Unavailable) {
            return try SendRing()
        } catch {
            logger.debug("no io_uring; sockets are sent to one by one", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Starts watching deadlines; four times a second is fine enough for limits counted in seconds.
    public func start() {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.sweep = self.eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(250), delay: .milliseconds(250)) {
            _ in
            let now = Clock.monotonic()
            for connection in bound.value.connections { connection.sweep(now: now) }
        }
    }

    public func stop() { self.sweep?.cancel() }

    public var connectionCount: Int { self.connections.count }

    /// Every live connection of this loop, with a way to look closer, which costs system calls.
    public func forEachConnection(_ body: (Connection, () -> ConnectionSample) -> Void) {
        for connection in self.connections {
            body(connection.connection) {
                ConnectionSample(socket: connection.socketSample(), http2: connection.http2Sample())
            }
        }
    }

    /// Closes a listener's connections that carry no stream now, and has the others close after the answer under way.
    public func closeIdleConnections(of listener: String) {
        for connection in self.connections where connection.connection.listener == listener {
            connection.closeWhenIdle(by: .drain)
        }
    }

    /// Closes everything at once.
    public func closeAll() {
        for connection in self.connections {
            connection.connection.ends(by: .drain)
            connection.closeNow()
        }
    }

    func add(_ connection: any SweptConnection) {
        connection.place = self.connections.count
        self.connections.append(connection)
    }

    func establish(_ connection: Connection) {
        connection.isEstablished = true
        self.application.connectionEstablished(connection)
    }

    /// The connection's handler leaves for another, or because the connection is gone.
    func remove(_ connection: any SweptConnection) {
        let place = connection.place
        guard place >= 0 else { return }
        connection.place = -1
        let last = self.connections.removeLast()
        if last !== connection {
            self.connections[place] = last
            last.place = place
        }
        self.connections.giveBackSpare()
    }

    /// Tells the application, in a later turn: what the streams of the connection ended with is told before.
    func connectionGone(_ handler: any SweptConnection) {
        self.remove(handler)
        handler.connection.ends(by: .peer)
        let bound = NIOLoopBound((self, handler.connection), eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.0.application.connectionEnded(bound.value.1) }
    }

    /// Handshakes fail all day on a public port, so this is for those who look for it.
    func report(_ error: TLSError, from connection: Connection) {
        self.logger.debug(
            "TLS connection failed",
            metadata: [
                "connection": "\(connection.id)", "peer": "\(connection.peerAddress)", "error": "\(error)",
            ]
        )
    }

    /// The `Date` field's value (RFC 9110, section 6.6.1), rendered once per second.
    func httpDate() -> String {
        let second = Clock.unix() / 1_000_000_000
        if second != self.date.second { self.date = (second, HTTPDate.text(unixSeconds: second)) }
        return self.date.text
    }
}

/// What the loop needs of a connection, whichever protocol it speaks.
protocol SweptConnection: AnyObject {
    var connection: Connection { get }
    var channel: any Channel { get }
    /// Nothing is read from the channel; by ``setReading(paused:)``.
    var isReadingPaused: Bool { get set }
    /// Where the loop's table has it; -1 outside of it.
    var place: Int { get set }
    /// Acts on a deadline that has passed. `now` is monotonic nanoseconds.
    func sweep(now: Int64)
    /// - Parameter cause: what the connection's end is put down to.
    func closeWhenIdle(by cause: ConnectionEnd)
    func closeNow()
    func socketSample() -> SocketSample?
    func http2Sample() -> HTTP2ConnectionSample?
}

extension SweptConnection {
    /// To tell the channel again what it does already would cost a cast or two.
    func setReading(paused: Bool) {
        guard paused != self.isReadingPaused else { return }
        self.isReadingPaused = paused
        try? self.channel.syncOptions?.setOption(.autoRead, value: !paused)
    }
}

/// A closer look at one connection.
public struct ConnectionSample {
    /// `nil` when the socket is gone or below TLS.
    public let socket: SocketSample?
    /// `nil` for HTTP/1.1.
    public let http2: HTTP2ConnectionSample?
}

/// The state of one HTTP/2 connection.
public struct HTTP2ConnectionSample {
    /// Bytes that the peer lets us send on the connection.
    public let connectionWindow: Int
    /// Output that waits for the socket, in bytes.
    public let pendingBytes: Int
    public let counters: HTTP2SessionCounters
}
