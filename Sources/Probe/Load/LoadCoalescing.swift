// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Lets events gather for a moment before the loop looks for them again.
///
/// A client that waits for every single event has its thread put to sleep and woken for each, which costs it and the
/// server's `write` more than the event does; subscribers on other machines cost the server no such thing. So above
/// some thousand pieces a second, a turn of the loop that brought few is followed by a short sleep. This can add that
/// much to a delivery latency, as the documentation says; below, every event is taken as it comes.
struct LoadCoalescing {
    private let microseconds: UInt32
    private var pieces = 0
    private var isPlanned = false
    private var sinceRenewal = 0
    private var isBusy = false

    /// A sleep costs some microseconds itself: it pays when it saves more wake-ups than that.
    private static let busyPieces = 5_000
    /// A turn with so many pieces is no wake-up for one.
    static let shortTurn = 64

    /// - Parameter longest: of a pause; zero for none ever.
    init(_ longest: Duration) {
        microseconds = UInt32(clamping: longest.clampedNanoseconds / 1_000)
    }

    var pauseTime: TimeAmount { .microseconds(Int64(microseconds)) }

    /// Whether a pause was used since the last renewal.
    var isActive: Bool { isBusy && microseconds > 0 }

    /// A piece has come.
    /// - Returns: whether ``pause()`` is to be called at the end of the loop's turn.
    @inline(__always)
    mutating func received() -> Bool {
        pieces &+= 1
        sinceRenewal &+= 1
        guard isBusy, !isPlanned else { return false }
        isPlanned = true
        return true
    }

    mutating func pause() {
        isPlanned = false
        let isShort = pieces < Self.shortTurn
        pieces = 0
        if isShort, microseconds > 0 { usleep(microseconds) }
    }

    /// Called every second.
    mutating func renew() {
        isBusy = sinceRenewal >= Self.busyPieces && microseconds > 0
        sinceRenewal = 0
    }
}
