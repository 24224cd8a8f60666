// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One system call for the sends of many streams: a pass collects the sockets that get the same bytes, and the kernel
// takes them together. What each socket said is known when the call returns, so for the rest of the delivery path it
// is a `send` like any other, without a `send`'s way into the kernel and back.

/// Collects sends to sockets and does them in one system call. Belongs to its event loop, on whose thread it is made.
///
/// Bound: ``capacity`` sends, after which the caller must ``submit(_:)``.
public final class SendRing {
    /// Sends in one system call. Twice as many bring less than a hundredth, and those served first would be counted
    /// later: ``submit(_:)`` returns half a millisecond after the first of these was collected.
    public static let capacity = 64
    /// Fewer are sent one by one: a ring's call costs as much as two of a socket's.
    private static let worthwhile = 3

    /// What a collected send came to.
    public struct Completion {
        /// What ``add(_:through:)`` was given.
        public let tag: Int32
        public let outcome: WriteOutcome
    }

    /// `nil` once the kernel refused what it must not refuse; from then on sends are sent one by one.
    private var kernel: IOUring?
    private let descriptors: UnsafeMutablePointer<CInt>
    private let tags: UnsafeMutablePointer<Int32>
    private let results: UnsafeMutablePointer<CInt>
    private var count = 0

    public var isEmpty: Bool { self.count == 0 }
    public var isFull: Bool { self.count == Self.capacity }
    /// It sends by the ring, and not one by one.
    public var isInUse: Bool { self.kernel != nil }

    /// - Throws: ``IOUring/Unavailable`` if the kernel has no io_uring, forbids it, or has one that would wait for a
    ///   socket.
    public convenience init() throws(IOUring.Unavailable) {
        self.init(kernel: try IOUring(capacity: Self.capacity))
    }

    /// - Parameter kernel: a ring of ``capacity``, or `nil` to send one by one.
    init(kernel: IOUring?) {
        self.kernel = kernel
        self.descriptors = .allocate(capacity: Self.capacity)
        self.tags = .allocate(capacity: Self.capacity)
        self.results = .allocate(capacity: Self.capacity)
    }

    deinit {
        self.descriptors.deallocate()
        self.tags.deallocate()
        self.results.deallocate()
    }

    /// Collects a send of what ``submit(_:)`` will be given. Until then nothing may close the connection.
    /// - Parameter tag: comes back with the outcome.
    /// - Returns: `false` if the gate is shut or none of a plain socket's; then nothing was collected.
    @inline(__always)
    public func add(_ tag: Int32, through gate: StreamGate) -> Bool {
        guard self.count < Self.capacity, let descriptor = gate.descriptor else { return false }
        self.descriptors[self.count] = descriptor
        self.tags[self.count] = tag
        self.count += 1
        return true
    }

    /// Sends `bytes` to every socket collected, and starts to collect anew. Never blocks.
    /// - Returns: what became of each, in the order in which they were added; valid until the next call.
    public func submit(_ bytes: UnsafeRawBufferPointer) -> Completions {
        let count = self.count
        self.count = 0
        var sent = 0
        if let kernel = self.kernel, count >= Self.worthwhile {
            sent = kernel.send(bytes, to: self.descriptors, count: count, results: self.results)
            if sent < count { self.kernel = nil }
        }
        for index in sent..<count {
            let result = DirectSocket.result(of: bytes, to: self.descriptors[index])
            self.results[index] = CInt(truncatingIfNeeded: result)
        }
        return Completions(tags: self.tags, results: self.results, count: count)
    }

    /// What became of the sends of one submission.
    public struct Completions: RandomAccessCollection {
        private let tags: UnsafePointer<Int32>
        private let results: UnsafePointer<CInt>
        public let count: Int

        init(tags: UnsafePointer<Int32>, results: UnsafePointer<CInt>, count: Int) {
            self.tags = tags
            self.results = results
            self.count = count
        }

        public var startIndex: Int { 0 }
        public var endIndex: Int { self.count }

        public subscript(index: Int) -> Completion {
            Completion(tag: self.tags[index], outcome: WriteOutcome(result: Int(self.results[index])))
        }
    }
}
