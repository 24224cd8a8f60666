// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Random trace and span ids without a system call each: xoshiro256**, seeded from the system's generator.
///
/// Not for secrets: who sees enough ids can predict the next. Trace ids need to be unique, not unguessable (W3C Trace
/// Context, section 3.2.2.3, asks for randomness so that samplers may use it). One owner: every event loop has its own.
public struct IDGenerator: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator with 256 bits from the system.
    public init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: (system.next(), system.next(), system.next(), system.next()))
    }

    /// A generator that repeats itself, for tests. All zero would stay zero and is replaced.
    public init(seed: (UInt64, UInt64, UInt64, UInt64)) {
        state = seed
        let golden: UInt64 = 0x9E37_79B9_7F4A_7C15
        if seed.0 | seed.1 | seed.2 | seed.3 == 0 { state = (golden, ~golden, golden << 1, golden >> 1) }
    }

    public mutating func traceID() -> TraceID {
        while true {
            let id = TraceID(high: next(), low: next())
            if id.isValid { return id }
        }
    }

    public mutating func spanID() -> SpanID {
        while true {
            let id = SpanID(next())
            if id.isValid { return id }
        }
    }
}

extension IDGenerator: RandomNumberGenerator {
    public mutating func next() -> UInt64 {
        let rotated = state.1 &* 5
        let result = (rotated << 7 | rotated >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
