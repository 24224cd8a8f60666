// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Arrays keep the memory of the most that they ever held. After a storm of connections that is memory for nothing.

extension ContiguousArray {
    /// Moves what is left to a smaller block if nearly all of this one is unused. Amortized O(1): the next move is due
    /// only when three quarters of what is left have gone as well.
    package mutating func giveBackSpare() {
        guard self.capacity > 1024, self.count * 8 < self.capacity else { return }
        var moved = ContiguousArray()
        moved.reserveCapacity(self.count * 2)
        moved.append(contentsOf: self)
        self = moved
    }
}
