// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The terminal behind standard error: whether it can redraw, how large it is, and its cursor.

import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum Terminal {
    private static let isCursorHidden = Mutex(false)

    /// A terminal that knows cursor movement; TERM=dumb says that it does not.
    static var isCapable: Bool {
        let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
        return StandardError.isTerminal && !kind.isEmpty && kind != "dumb"
    }

    /// Asked each time: windows are resized. 80 by 24 where it is not told.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// DECTCEM, which every terminal emulator knows.
    static func hideCursor() {
        isCursorHidden.withLock { $0 = true }
        StandardError.write("\u{1B}[?25l")
    }

    /// Nothing if it is there: also for ways out that do not know.
    static func showCursor() {
        let wasHidden = isCursorHidden.withLock { isHidden in
            defer { isHidden = false }
            return isHidden
        }
        if wasHidden { StandardError.write("\u{1B}[?25h") }
    }
}
