// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How far a verdict is to be relied on.
public enum Confidence: String, Encodable, Sendable, Comparable {
    /// It fits, and so does something else.
    case low
    /// Several ends agree.
    case medium
    /// Independent ends agree, and what else they could be is ruled out.
    case high

    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
