// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The open streams of one event loop, in one block of memory with stable places.

import Transport

/// A slab: a stream keeps its slot until it ends, and a slot's generation tells a late call for its predecessor apart.
/// Belongs to its loop. Bound: the process's limit of streams.
final class StreamTable {
    private var slots: UnsafeMutablePointer<StreamState>
    /// Which slots hold a stream.
    private var isUsed: ContiguousArray<Bool> = []
    private var generations: ContiguousArray<UInt32> = []
    private var free: ContiguousArray<Int32> = []
    private var capacity: Int

    private(set) var count = 0

    init() {
        self.capacity = 16
        self.slots = Self.allocate(self.capacity)
    }

    deinit {
        for slot in self.isUsed.indices where self.isUsed[slot] { (self.slots + slot).deinitialize(count: 1) }
        self.slots.deallocate()
    }

    /// The slots ever used: the range to walk.
    var range: Range<Int> { 0..<self.isUsed.count }

    func holds(_ slot: Int) -> Bool { self.isUsed[slot] }

    /// The state at a slot that holds a stream. Valid until the next ``insert(_:)``.
    @inline(__always)
    subscript(slot: Int32) -> UnsafeMutablePointer<StreamState> { self.slots + Int(slot) }

    /// `nil` if the stream has ended, whoever has the slot now.
    func find(_ token: StreamToken) -> UnsafeMutablePointer<StreamState>? {
        let slot = Int(token.slot)
        guard self.range.contains(slot), self.isUsed[slot], self.generations[slot] == token.generation else {
            return nil
        }
        return self.slots + slot
    }

    /// Reserves a token for a stream that is about to be inserted with it.
    func nextToken() -> StreamToken {
        if let slot = self.free.last {
            return StreamToken(slot: slot, generation: self.generations[Int(slot)])
        }
        return StreamToken(slot: Int32(self.isUsed.count), generation: 0)
    }

    /// Puts a stream where ``nextToken()`` said.
    func insert(_ state: StreamState) {
        let slot = self.free.popLast().map(Int.init) ?? self.isUsed.count
        while slot >= self.capacity { self.resize(to: self.capacity * 2) }
        if slot == self.isUsed.count {
            self.isUsed.append(true)
            self.generations.append(0)
        } else {
            self.isUsed[slot] = true
        }
        (self.slots + slot).initialize(to: state)
        self.count += 1
    }

    func remove(_ slot: Int32) -> StreamState {
        let state = (self.slots + Int(slot)).move()
        self.isUsed[Int(slot)] = false
        self.generations[Int(slot)] &+= 1
        self.count -= 1
        self.free.append(slot)
        if self.count == 0, self.capacity > 1024 { self.giveBack() }
        return state
    }

    /// Memory whose every slot begins a cache line of 64 bytes, given that a slot is a whole number of them.
    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<StreamState> {
        UnsafeMutableRawPointer
            .allocate(byteCount: capacity * MemoryLayout<StreamState>.stride, alignment: 64)
            .bindMemory(to: StreamState.self, capacity: capacity)
    }

    private func resize(to capacity: Int) {
        let moved = Self.allocate(capacity)
        for slot in self.isUsed.indices where self.isUsed[slot] {
            (moved + slot).moveInitialize(from: self.slots + slot, count: 1)
        }
        self.slots.deallocate()
        self.slots = moved
        self.capacity = capacity
    }

    /// Gives the memory of a storm back. Generations stay: a late call must not find a new stream in an old slot.
    private func giveBack() {
        self.resize(to: 16)
        self.free = ContiguousArray((0..<Int32(self.isUsed.count)).reversed())
    }
}
