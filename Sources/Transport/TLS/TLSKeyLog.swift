// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Appends connection secrets to a file, for Wireshark's eyes: the format of NSS, one line per secret.
///
/// Each line is one `write` to a descriptor opened with O_APPEND, so that lines of several threads and processes do not
/// mix. A line that cannot be written is dropped: debugging aid must not fail connections.
public final class TLSKeyLog: Sendable {
    private let descriptor: Int32

    /// What SSLKEYLOGFILE in the environment names, if anything.
    public static var environmentPath: String? {
        guard let value = getenv("SSLKEYLOGFILE"), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// Opens `path` for appending, and creates it for this user alone.
    init(path: String) throws(TLSError) {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .fileUnwritable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func append(line: UnsafePointer<CChar>) {
        let length = strlen(line)
        withUnsafeTemporaryAllocation(byteCount: length + 1, alignment: 1) { text in
            text.copyMemory(from: UnsafeRawBufferPointer(start: line, count: length))
            text[length] = UInt8(ascii: "\n")
            _ = write(descriptor, text.baseAddress, length + 1)
        }
    }
}
