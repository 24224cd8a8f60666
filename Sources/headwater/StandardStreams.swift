// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Unbuffered writes to the standard streams: what is said before an exit must be seen.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum StandardOutput {
    static func write(_ text: String) { Descriptor.write(text, to: STDOUT_FILENO) }
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

enum StandardError {
    static func write(_ text: String) { Descriptor.write(text, to: STDERR_FILENO) }
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

private enum Descriptor {
    /// Gives up at an error: there is nobody left to tell.
    static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR else { return }
            } else {
                bytes = bytes.dropFirst(count)
            }
        }
    }
}
