// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation

extension Int64 {
    /// Seconds since 1970.
    static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}
