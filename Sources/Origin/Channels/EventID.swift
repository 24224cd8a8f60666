// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Event ids, `<epoch>.<sequence>`: the epoch names one life of a channel, the sequence counts from 1 without holes.
// A receiver can prove loss from two ids, and an id from before a restart is recognised as such.

/// One life of a channel: eight characters of `a-z2-7`, drawn at random when the channel is made.
public struct Epoch: Sendable, Hashable, CustomStringConvertible {
    private let bits: UInt64

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    static let length = 8

    /// Forty random bits: two lives of one channel get the same epoch once in 10^12.
    static func random() -> Epoch { Epoch(bits: UInt64.random(in: 0..<(1 << 40))) }

    private init(bits: UInt64) { self.bits = bits }

    init?(_ text: some StringProtocol) {
        guard text.utf8.count == Self.length else { return nil }
        var bits: UInt64 = 0
        for character in text.utf8 {
            guard let digit = Self.alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt64(digit)
        }
        self.bits = bits
    }

    public var description: String {
        String(unsafeUninitializedCapacity: Self.length) { target in
            for place in 0..<Self.length {
                target[place] = Self.alphabet[Int(self.bits >> UInt64(5 * (Self.length - 1 - place))) & 31]
            }
            return Self.length
        }
    }
}

/// A position in a channel: the last event that a receiver has. Sequence 0 is the position before the first event.
public struct EventID: Sendable, Hashable, CustomStringConvertible {
    public let epoch: Epoch
    public let sequence: UInt64

    init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        // Digits only: Swift's parser would also take a sign.
        guard parts.count == 2, let epoch = Epoch(parts[0]), parts[1].utf8.allSatisfy({ 48...57 ~= $0 }),
            let sequence = UInt64(parts[1])
        else { return nil }
        self.init(epoch: epoch, sequence: sequence)
    }

    public var description: String { "\(self.epoch).\(self.sequence)" }
}

/// What a reconnecting client says it saw last (`Last-Event-ID`; HTML, section 9.2.3).
enum LastEventID: Equatable {
    /// A position for each channel of the stream, in the order in which the client named them.
    case positions([EventID])
    /// The id of an `end` event: the client has everything it asked for.
    case ended
    /// Not one of ours, or not of this stream's shape: from another server, or from before a change of the URL.
    case foreign

    static let endSuffix = ".end"

    init(_ text: some StringProtocol, channelCount: Int) {
        if text.hasSuffix(Self.endSuffix), EventID(text.dropLast(Self.endSuffix.count)) != nil {
            self = .ended
            return
        }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let ids = parts.prefix(channelCount + 1).compactMap { EventID($0) }
        self = parts.count == channelCount && ids.count == channelCount ? .positions(ids) : .foreign
    }
}
