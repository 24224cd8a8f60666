// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// io_uring(7) for nothing but sends that never wait.
//
// It is deliberately no asynchronous I/O: nothing is under way between two calls. The bytes of a log move at the next
// append and a descriptor may be closed, so no send may outlive the call that asked for it.

import NIOCore

#if os(Linux)
    import CUring
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One ring of the kernel's. Belongs to the thread that made it.
public final class IOUring {
    /// Why there is no ring.
    public struct Unavailable: Error, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }

        init(_ call: String, errno code: CInt) {
            self.description = "\(call): \(IOError(errnoCode: code, reason: "refused"))"
        }
    }

    #if os(Linux)
        private let ring: UnsafeMutablePointer<io_uring>

        /// The ring's own.
        var descriptor: CInt { self.ring.pointee.ring_fd }

        /// - Parameter capacity: the most sends in one call.
        init(capacity: Int) throws(Unavailable) {
            self.ring = try Self.makeRing(capacity: capacity)
            try self.tryOut(sends: min(capacity, 4))
        }

        deinit {
            io_uring_queue_exit(self.ring)
            self.ring.deallocate()
        }

        /// Linux 6.0 knows all of these flags; an older kernel says `EINVAL` and gets a plain ring. One thread submits,
        /// work of the kernel's waits for that thread's next call, and a send that cannot be begun stops no other.
        private static func makeRing(capacity: Int) throws(Unavailable) -> UnsafeMutablePointer<io_uring> {
            let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
            let wanted = curing_setup_single_issuer | curing_setup_cooperative | curing_setup_submit_all
            var outcome = -EINVAL
            for flags in [wanted, 0] where outcome == -EINVAL {
                ring.initialize(to: io_uring())
                outcome = io_uring_queue_init(CUnsignedInt(capacity), ring, flags)
            }
            guard outcome == 0 else {
                ring.deallocate()
                throw Unavailable("io_uring_setup", errno: -outcome)
            }
            return ring
        }

        /// Fills a socket and goes on: what does not fit must come back as `EAGAIN`, at once.
        private func tryOut(sends: Int) throws(Unavailable) {
            var ends: [CInt] = [-1, -1]
            guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
                throw Unavailable("socketpair", errno: errno)
            }
            defer { for end in ends { close(end) } }
            let descriptors = [CInt](repeating: ends[0], count: sends)
            var results = [CInt](repeating: 0, count: sends)
            let bytes = [UInt8](repeating: 0, count: 64 * 1024)
            for _ in 0..<64 {
                let sent = bytes.withUnsafeBytes { self.send($0, to: descriptors, count: sends, results: &results) }
                guard sent == sends else { throw Unavailable("io_uring_enter refused") }
                switch WriteOutcome(result: Int(results[sends - 1])) {
                case .wrote(0): return
                case .wrote, .buffered: continue
                case .failed(let code): throw Unavailable("IORING_OP_SEND", errno: code)
                }
            }
            throw Unavailable("IORING_OP_SEND took more than a socket holds")
        }

        /// Sends `bytes` to each of `count` sockets, in one system call as a rule. Never blocks.
        /// - Parameter results: gets a count of bytes or a negative errno for each.
        /// - Returns: how many of the first were given to the kernel: all, or it failed and the ring must be given up.
        func send(
            _ bytes: UnsafeRawBufferPointer,
            to descriptors: UnsafePointer<CInt>,
            count: Int,
            results: UnsafeMutablePointer<CInt>
        ) -> Int {
            for index in 0..<count {
                // There are as many places, and all are free, for the last call left none taken.
                _ = curing_queue_send(
                    self.ring, descriptors[index], bytes.baseAddress, bytes.count, Self.flags, UInt64(index))
                // Should the kernel lose it, nobody knows what the peer got: that connection is over.
                results[index] = -EIO
            }
            var (submitted, completed, stalls) = (0, 0, 0)
            while completed < count {
                let outcome = io_uring_submit_and_wait(self.ring, CUnsignedInt(count - completed))
                submitted += max(Int(outcome), 0)
                let before = completed
                var tag: UInt64 = 0
                var result: CInt = 0
                while curing_take_completion(self.ring, &tag, &result) != 0 {
                    results[Int(tag)] = result
                    completed += 1
                }
                guard outcome <= 0, completed == before else { continue }
                // A signal, or for the moment no memory. What is never submitted must not be: its bytes will move.
                stalls += 1
                if stalls == Self.patience { return submitted }
            }
            return count
        }

        /// Calls without any progress until the ring is given up.
        private static let patience = 16

        /// - `MSG_DONTWAIT`: a socket that is full says so instead of keeping the send.
        /// - `MSG_NOSIGNAL`: a peer that went away must not raise SIGPIPE.
        private static let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
    #else
        init(capacity: Int) throws(Unavailable) { throw Unavailable("io_uring is Linux's") }

        func send(
            _ bytes: UnsafeRawBufferPointer,
            to descriptors: UnsafePointer<CInt>,
            count: Int,
            results: UnsafeMutablePointer<CInt>
        ) -> Int { 0 }
    #endif
}
