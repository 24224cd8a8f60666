// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

extension String {
    /// The bytes of its UTF-8 in place. To check a request's text by the indices of its UTF-8 view took ten times as
    /// long as the check itself, and a browser's request has a thousand bytes of it.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        // Only a string bridged from another runtime has none in one piece, and is copied first.
        self.utf8.withContiguousStorageIfAvailable(body) ?? Array(self.utf8).withUnsafeBufferPointer(body)
    }

    /// Whether every byte of its UTF-8 passes.
    @inline(__always)
    func allBytes(satisfy isFine: (UInt8) -> Bool) -> Bool {
        self.withBytes { $0.allSatisfy(isFine) }
    }
}
