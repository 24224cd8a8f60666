// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Writes a file piece by piece, whole or with an error that says why.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum TextFile {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Replaces the file by what `body` writes.
    static func write(to path: String, _ body: (_ write: (String) throws -> Void) throws -> Void) throws {
        guard let file = fopen(path, "w") else { throw Self.failure() }
        var isOpen = true
        defer { if isOpen { fclose(file) } }
        try body { text in
            var text = text
            let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
            if !isWritten { throw Self.failure() }
        }
        isOpen = false
        // Buffered bytes may fail only now.
        guard fclose(file) == 0 else { throw Self.failure() }
    }

    private static func failure() -> Failure {
        Failure(description: "it cannot be written: \(String(cString: strerror(errno)))")
    }
}
