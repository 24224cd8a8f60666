// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The errors that OpenSSL left on this thread's queue, oldest first.
///
/// The queue belongs to the thread, not to the connection: every call that can fail clears it before and takes it
/// after, or one connection's error would be read as another's.
struct OpenSSLErrorQueue {
    struct Entry {
        let code: UInt
        /// What OpenSSL adds for this occurrence, such as a file name; mostly empty.
        let detail: String

        var library: Int32 { ERR_GET_LIB(code) }
        var reason: Int32 { ERR_GET_REASON(code) }

        /// True when OpenSSL itself is in trouble: memory, or a state that it holds impossible.
        var isInternal: Bool {
            Int(reason) == Int(ERR_R_MALLOC_FAILURE) || Int(reason) == Int(ERR_R_INTERNAL_ERROR)
        }

        /// OpenSSL's words for the reason, or the system's when a system call failed.
        var text: String {
            if library == ERR_LIB_SYS { return String(cString: strerror(reason)) }
            guard let words = ERR_reason_error_string(code) else { return "error \(code)" }
            let reason = String(cString: words)
            return detail.isEmpty ? reason : "\(reason): \(detail)"
        }
    }

    let entries: [Entry]

    /// Empties the queue without a look.
    static func clear() {
        ERR_clear_error()
    }

    /// Takes what is on the queue. OpenSSL keeps 16 entries at most.
    static func take() -> Self {
        var entries: [Entry] = []
        while true {
            var detail: UnsafePointer<CChar>?
            var flags: Int32 = 0
            let code = ERR_get_error_all(nil, nil, nil, &detail, &flags)
            guard code != 0 else { return Self(entries: entries) }
            var text = ""
            if let detail, flags & Int32(ERR_TXT_STRING) != 0 {
                text = String(cString: detail)
            }
            entries.append(Entry(code: code, detail: text))
        }
    }

    /// The most telling words: those of the entry that was raised first.
    var text: String {
        entries.first?.text ?? "no reason given"
    }

    func contains(library: Int32, reason: Int32) -> Bool {
        entries.contains { $0.library == library && $0.reason == reason }
    }

    /// The system's `errno`, when a file could not be opened.
    var systemReason: String? {
        entries.first { $0.library == ERR_LIB_SYS }?.text
    }
}
