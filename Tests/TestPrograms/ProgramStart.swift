// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation

/// One start of a program at a time.
///
/// Foundation closes in a child whatever descriptors it finds open. What another start opens between that look and the
/// child's beginning is inherited: the end of a pipe then does not come, and an end is not noticed, before the wrong
/// child ends too.
public enum ProgramStart {
    private static let lock = NSLock()

    /// - Parameter body: makes the pipes, and runs the process.
    public static func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        try self.lock.withLock(body)
    }
}
