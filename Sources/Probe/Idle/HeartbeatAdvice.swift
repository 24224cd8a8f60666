// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The heartbeat interval that keeps streams alive on a path.
enum HeartbeatAdvice {
    /// Intervals that people set. Above half a minute a heartbeat saves nothing worth having, and finds clients that
    /// are gone late.
    private static let usual: [Double] = [30, 25, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1, 0.5]
    /// For a path without a timer in sight: others may have one.
    private static let careful = 15.0

    /// Below half of the timeout, so that one heartbeat can be lost or late; by a margin, since it is measured.
    static func seconds(below timeout: Double) -> Double {
        usual.first { $0 <= timeout * 0.45 } ?? (timeout / 3 * 10).rounded(.down) / 10
    }

    /// - Parameter survived: the longest silence that streams are known to live through.
    /// - Returns: nil if that is too little to advise anything.
    static func seconds(withoutTimerUpTo survived: Double) -> Double? {
        survived >= 2 ? min(careful, seconds(below: survived)) : nil
    }
}
