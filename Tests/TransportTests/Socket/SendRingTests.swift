// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import Testing

@testable import Transport

/// Sends to real sockets. Where the kernel has no io_uring, or forbids it, the same sentences hold of the ring that is
/// given up: each socket is sent to by itself.
@Suite struct SendRingTests {
    /// A ring that the kernel works for, where it does, and one that it has failed.
    enum Kind: CaseIterable {
        case kernel
        case givenUp
    }

    private let table = GateTable()

    private func ring(_ kind: Kind) throws -> SendRing {
        switch kind {
        case .kernel: (try? SendRing()) ?? SendRing(kernel: nil)
        case .givenUp: SendRing(kernel: nil)
        }
    }

    @Test(arguments: Kind.allCases, [1, 2, 3, SendRing.capacity])
    func everySocketGetsTheBytes(kind: Kind, count: Int) throws {
        let ring = try ring(kind)
        let pairs = try (0..<count).map { _ in try SocketPair(self.table) }
        for (index, pair) in pairs.enumerated() { #expect(ring.add(Int32(1000 + index), through: pair.gate)) }
        #expect(ring.isFull == (count == SendRing.capacity))

        let completions = Array("an event".utf8).withUnsafeBytes { bytes in
            ring.submit(bytes).map { ($0.tag, $0.outcome) }
        }

        #expect(completions.map(\.0) == (0..<count).map { Int32(1000 + $0) })
        #expect(completions.allSatisfy { $0.1 == .wrote(8) })
        for pair in pairs { #expect(pair.received() == Array("an event".utf8)) }
        #expect(ring.isEmpty)
    }

    @Test func whatIsCollectedNextIsSentAfterwards() throws {
        let ring = try ring(.kernel)
        let pairs = try (0..<4).map { _ in try SocketPair(self.table) }
        for text in ["one ", "two ", "three"] {
            for pair in pairs { _ = ring.add(0, through: pair.gate) }
            let outcomes = Array(text.utf8).withUnsafeBytes { bytes in ring.submit(bytes).map(\.outcome) }
            #expect(outcomes.allSatisfy { $0 == .wrote(text.utf8.count) })
        }
        for pair in pairs { #expect(pair.received() == Array("one two three".utf8)) }
    }

    @Test(arguments: Kind.allCases)
    func aFullSocketTakesAPartThenNothingAndHoldsUpNoOther(kind: Kind) throws {
        let ring = try ring(kind)
        let full = try SocketPair(self.table)
        let free = try (0..<3).map { _ in try SocketPair(self.table) }
        let large = [UInt8](repeating: 7, count: 8 << 20)
        for _ in 0..<4 { _ = ring.add(0, through: full.gate) }
        let outcomes = large.withUnsafeBytes { bytes in ring.submit(bytes).map(\.outcome) }
        #expect(outcomes.last == .wrote(0))
        for outcome in outcomes {
            guard case .wrote(let count) = outcome else {
                Issue.record("a full socket is no failure")
                continue
            }
            #expect(count < large.count)
        }

        for (tag, gate) in ([full.gate] + free.map(\.gate)).enumerated() { _ = ring.add(Int32(tag), through: gate) }
        let next = Array("x".utf8).withUnsafeBytes { bytes in ring.submit(bytes).map(\.outcome) }
        #expect(next == [.wrote(0), .wrote(1), .wrote(1), .wrote(1)])
        for pair in free { #expect(pair.received() == Array("x".utf8)) }
    }

    @Test(arguments: Kind.allCases)
    func aPeerThatIsGoneFailsAloneAndRaisesNoSignal(kind: Kind) throws {
        let ring = try ring(kind)
        let pairs = try (0..<4).map { _ in try SocketPair(self.table) }
        pairs[1].closePeer()
        for pair in pairs { _ = ring.add(0, through: pair.gate) }
        let outcomes = Array("x".utf8).withUnsafeBytes { bytes in ring.submit(bytes).map(\.outcome) }
        #expect(outcomes == [.wrote(1), .failed(errno: EPIPE), .wrote(1), .wrote(1)])
    }

    @Test func aShutGateIsNotCollected() throws {
        let ring = try ring(.kernel)
        let pair = try SocketPair(self.table)
        pair.shut()
        #expect(!ring.add(0, through: pair.gate))
        #expect(ring.isEmpty)
    }

    @Test func aFullRingTakesNoMore() throws {
        let ring = try ring(.kernel)
        let pair = try SocketPair(self.table)
        for _ in 0..<SendRing.capacity { #expect(ring.add(0, through: pair.gate)) }
        #expect(!ring.add(0, through: pair.gate))
        #expect(Array("x".utf8).withUnsafeBytes { bytes in ring.submit(bytes).count } == SendRing.capacity)
    }

    /// The ring's descriptor becomes another file: every call fails, as it would under a policy that comes later.
    @Test func aRingThatTheKernelRefusesIsGivenUpWithNothingLost() throws {
        guard let kernel = try? IOUring(capacity: SendRing.capacity) else { return }
        let nothing = open("/dev/null", O_WRONLY)
        defer { close(nothing) }
        #expect(dup2(nothing, kernel.descriptor) == kernel.descriptor)
        let ring = SendRing(kernel: kernel)
        let pairs = try (0..<8).map { _ in try SocketPair(self.table) }
        for text in ["one ", "two"] {
            for pair in pairs { _ = ring.add(0, through: pair.gate) }
            let outcomes = Array(text.utf8).withUnsafeBytes { bytes in ring.submit(bytes).map(\.outcome) }
            #expect(outcomes.allSatisfy { $0 == .wrote(text.utf8.count) })
            #expect(!ring.isInUse)
        }
        for pair in pairs { #expect(pair.received() == Array("one two".utf8)) }
    }
}

/// Two connected sockets, with a gate in front of the first.
private final class SocketPair {
    private let writing: CInt
    private let reading: CInt
    private var isPeerOpen = true
    private let table: GateTable
    private let cell: WriteGate

    var gate: StreamGate { StreamGate(self.cell) }

    init(_ table: GateTable) throws {
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        (self.writing, self.reading) = (ends[0], ends[1])
        self.table = table
        self.cell = table.take()
        self.cell.open(descriptor: self.writing)
    }

    deinit {
        self.table.giveBack(self.cell)
        self.closePeer()
        close(self.writing)
    }

    func shut() { self.cell.shut() }

    func closePeer() {
        guard self.isPeerOpen else { return }
        self.isPeerOpen = false
        close(self.reading)
    }

    /// What there is to read, up to 64 KiB.
    func received() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(self.reading, &buffer, buffer.count)
        return Array(buffer.prefix(max(count, 0)))
    }
}
