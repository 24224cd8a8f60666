// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a connection holds for one of its session's streams.
protocol HTTP2StreamExchange {
    /// The stream, in this life of its place.
    var slot: StreamSlot { get }
}

/// The exchanges of one HTTP/2 connection, by slot. A slot may outlive its exchange, and the whole connection: whoever
/// holds one need not know. Bound: the session's concurrent streams.
struct HTTP2ExchangeTable<Exchange: HTTP2StreamExchange> {
    /// Indexed by ``StreamSlot/index``.
    private var exchanges: ContiguousArray<Exchange?> = []

    /// The exchange that `slot` names, or `nil` if it is over. Of one that is over nothing can be changed: what is
    /// written to it is dropped. A new one is made by ``insert(_:)`` only.
    subscript(slot: StreamSlot) -> Exchange? {
        @inline(__always) get { self.holds(slot) ? self.exchanges[Int(slot.index)] : nil }
        @inline(__always) _modify {
            if self.holds(slot) {
                yield &self.exchanges[Int(slot.index)]
            } else {
                var none: Exchange?
                yield &none
            }
        }
    }

    mutating func insert(_ exchange: Exchange) {
        let index = Int(exchange.slot.index)
        while self.exchanges.count <= index { self.exchanges.append(nil) }
        self.exchanges[index] = exchange
    }

    /// A copy of those that are not over.
    var all: [Exchange] { self.exchanges.compactMap { $0 } }

    @inline(__always)
    private func holds(_ slot: StreamSlot) -> Bool {
        let index = Int(slot.index)
        return index >= 0 && index < self.exchanges.count && self.exchanges[index]?.slot == slot
    }
}
