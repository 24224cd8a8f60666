// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CEpoll
import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// Reads the bodies of thousands of HTTP/1.1 connections past NIO: one `recv` into one buffer, the chunks found, the
/// content given to the connection's sink. NIO's way of a read through channel and pipeline touches so much memory that
/// with thousands of connections it costs as much again as the kernel's work, more than a server may cost.
///
/// Only reading is taken over. The channel stays, with its autoRead off; requests, the end of the connection and
/// whatever follows the body go NIO's way, so nothing is read here but the middle of chunked bodies in cleartext.
/// Belongs to the event loop of its connections, whose owner calls ``poll(timeout:)`` often. Linux only.
public final class HTTP1BodyPoll {
    private let descriptor: CInt
    /// What a read touches, by the number that epoll gives back. Bound: one for each connection adopted.
    private var bodies: ContiguousArray<Body> = []
    /// Whose they are; nil where free.
    private var readers: ContiguousArray<HTTP1ArrivalHandler?> = []
    /// Takes all bodies.
    private var sink: (any HTTPBodySink)?
    private var free: [Int] = []
    private let buffer: UnsafeMutableRawBufferPointer
    /// Adopted connections.
    public private(set) var count = 0

    /// The middle of a body. All of it here, and nothing else, because the objects of a connection are scattered over
    /// more cache lines than all else that a read costs.
    struct Body {
        var socket: CInt
        var token: UInt32
        var chunks: ChunkReader
        var arrival: HTTPArrival
    }

    /// What one `recv` takes at most. What does not fit follows at once.
    private static let bufferBytes = 65_536
    /// Connections of one poll; the others stay ready.
    private static let batch = 256

    /// Nil where the system has no epoll, or no descriptor for it.
    public init?() {
        #if os(Linux)
            descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
            guard descriptor >= 0 else { return nil }
            buffer = .allocate(byteCount: Self.bufferBytes, alignment: 64)
        #else
            return nil
        #endif
    }

    deinit {
        #if os(Linux)
            close(descriptor)
            buffer.deallocate()
        #endif
    }

    /// Takes over a connection for the rest of its body.
    /// - Returns: false, and nothing changes, unless it is HTTP/1.1 in cleartext, in the middle of a chunked body with
    ///   `HTTPFlow.automatic` that goes to the same sink as those adopted before.
    public func adopt(_ link: HTTPClientLink) -> Bool {
        #if os(Linux)
            guard case .http1(let connection) = link, let reader = connection.reader,
                let socket = DirectSocket(connection.channel), connection.channel.isActive,
                let sink = connection.sink, self.sink == nil || self.sink === sink,
                let body = reader.handOver(socket: socket.descriptor)
            else { return false }
            let number = free.popLast() ?? readers.count
            if number == readers.count {
                readers.append(nil)
                bodies.append(body)
            }
            guard (try? connection.channel.syncOptions?.setOption(.autoRead, value: false)) != nil,
                watch(socket.descriptor, number, EPOLL_CTL_ADD) == 0
            else {
                free.append(number)
                reader.takeBack(body)
                return false
            }
            self.sink = sink
            bodies[number] = body
            readers[number] = reader
            count += 1
            reader.adopted(by: self, number: number)
            return true
        #else
            return false
        #endif
    }

    #if os(Linux)
        /// Edge-triggered: a report is followed by reading to the end, and level-triggered ones are asked twice.
        private func watch(_ socket: CInt, _ number: Int, _ operation: CInt) -> CInt {
            var event = epoll_event(
                events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data(u64: UInt64(number)))
            return epoll_ctl(descriptor, operation, socket, &event)
        }
    #endif

    /// Reads what is there, from some hundred connections at most.
    /// - Parameter timeout: milliseconds to wait for the first byte.
    /// - Returns: how many connections had something.
    public func poll(timeout: Int32) -> Int {
        #if os(Linux)
            guard let sink else { return 0 }
            return withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batch) { events in
                let found = Int(epoll_wait(descriptor, events.baseAddress, CInt(Self.batch), timeout))
                guard found > 0 else { return 0 }
                for event in events[..<found] {
                    let number = Int(event.data.u64)
                    if bodies.indices.contains(number) { read(number, for: sink) }
                }
                return found
            }
        #else
            return 0
        #endif
    }

    /// Of one connection, whose server may be faster than we are and would keep the loop for ever. What is left is
    /// found by the next poll.
    private static let readsAtOnce = 8

    /// Reads what is there, up to a bound. An end or an error stays for NIO, which has been told of it too.
    private func read(_ number: Int, for sink: any HTTPBodySink) {
        #if os(Linux)
            // A body that is done has given its descriptor up.
            for _ in 0..<Self.readsAtOnce where bodies[number].socket >= 0 {
                var body = bodies[number]
                let count = recv(body.socket, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
                guard count > 0 else { return }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                body.arrival = HTTPArrival(time: Clock.monotonic(), read: body.arrival.read + 1)
                var position = 0
                var step = body.chunks.next(bytes, &position)
                while case .content(let range) = step {
                    let content = UnsafeRawBufferPointer(rebasing: bytes[range])
                    sink.received(content, token: body.token, arrival: body.arrival)
                    step = body.chunks.next(bytes, &position)
                }
                bodies[number] = body
                if step != .needsMore {
                    readers[number]?.bodyEnded(step, rest: UnsafeRawBufferPointer(rebasing: bytes[position...]))
                }
                if count < buffer.count { return }
            }
            // Said once, as EPOLLET has it, and not read to its end: to be said again.
            if bodies[number].socket >= 0 { _ = watch(bodies[number].socket, number, EPOLL_CTL_MOD) }
        #endif
    }

    /// The body is over, or the connection, or NIO reads on.
    /// - Parameter isOpen: the socket is.
    func release(_ number: Int, isOpen: Bool) -> Body {
        let body = bodies[number]
        #if os(Linux)
            if isOpen { _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, body.socket, nil) }
        #endif
        bodies[number].socket = -1
        readers[number] = nil
        free.append(number)
        count -= 1
        return body
    }
}
