// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The two clocks of the system, as plain nanoseconds: read once per tick and passed on, so that state machines and
// tests never read a clock themselves.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads the system's clocks. Safe from any thread.
public enum Clock {
    /// Nanoseconds of `CLOCK_MONOTONIC`: for ages and deadlines, meaningless between machines.
    public static func monotonic() -> Int64 { self.read(CLOCK_MONOTONIC) }

    /// Nanoseconds since the Unix epoch, `CLOCK_REALTIME`: for what leaves the process.
    public static func unix() -> Int64 { self.read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

extension Int64 {
    /// Whole and broken seconds as nanoseconds; what does not fit is clamped.
    public static func nanoseconds(seconds: Double) -> Int64 {
        let value = seconds * 1_000_000_000
        return value >= 9.2e18 ? .max : value <= -9.2e18 ? .min : Int64(value)
    }

    /// This many nanoseconds as seconds.
    public var seconds: Double { Double(self) / 1_000_000_000 }
}
