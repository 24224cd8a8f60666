// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Owns one reference to an OpenSSL object and gives it back at the end.
///
/// Sendable, and why that holds: the objects put in here (SSL_CTX, X509, EVP_PKEY and stacks of X509) are set up on
/// one thread before they are shared and not changed after that, but for their reference counts and SSL_CTX's own
/// statistics, which OpenSSL guards with atomics and locks. Objects that change with use (SSL, BIO) are never put in
/// here.
final class OpenSSLObject: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer  // proven: above
    private let release: @Sendable (OpaquePointer) -> Void

    /// Takes the caller's reference to `pointer`.
    init(_ pointer: OpaquePointer, release: @escaping @Sendable (OpaquePointer) -> Void) {
        self.pointer = pointer
        self.release = release
    }

    deinit {
        release(pointer)
    }
}
