// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Keeps a server's `TLSContext` up to date with its files: certificates, keys and client authorities.
///
/// It has no clock of its own: call `check()` every few seconds, off the event loops, since it reads files. A changed
/// file leads to a whole new context, made beside the one in use; connections that exist keep theirs. When the new
/// files do not work (often the certificate is replaced a moment before its key), the old context stays, the reason
/// is returned once, and the next change is tried again.
public final class CertificateReloader: Sendable {
    public enum Outcome: Sendable, Equatable {
        case unchanged
        /// New connections get the new certificates from now on.
        case reloaded([TLSCertificateSummary])
        /// The files changed, and do not work; the old certificates stay in use.
        case failed(TLSError)
    }

    /// What tells one state of a file from another. Symbolic links are followed, as Kubernetes swaps those.
    private struct Fingerprint: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size: Int64 = 0
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0

        /// A missing file is a state too: all zero.
        init(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(truncatingIfNeeded: status.st_ino)
            size = Int64(status.st_size)
            #if canImport(Darwin)
                seconds = Int64(status.st_mtimespec.tv_sec)
                nanoseconds = Int64(status.st_mtimespec.tv_nsec)
            #else
                seconds = Int64(status.st_mtim.tv_sec)
                nanoseconds = Int64(status.st_mtim.tv_nsec)
            #endif
        }
    }

    private struct State {
        var context: TLSContext
        var fingerprints: [Fingerprint]
        var lastFailure: TLSError?
    }

    private let configuration: TLSServerConfiguration
    private let paths: [String]
    /// Guards the context in use. Held for a moment only, so that accepting never waits for files.
    private let state: Mutex<State>
    /// Held for a whole check, so that two do not load at once. Order: `checking` -> `state`.
    private let checking = Mutex(())

    /// Loads the files for the first time; here a failure is the caller's to handle.
    public init(configuration: TLSServerConfiguration) throws(TLSError) {
        var paths = configuration.certificates.flatMap { [$0.certificate, $0.key] }
        if let authorities = configuration.clientAuthorities { paths.append(authorities) }
        self.configuration = configuration
        self.paths = paths
        // Taken before the files are read: a change in between shows at the next check.
        let fingerprints = paths.map(Fingerprint.init(path:))
        let context = try TLSContext(server: configuration)
        state = Mutex(State(context: context, fingerprints: fingerprints, lastFailure: nil))
    }

    /// The context for the next connection. From any thread.
    public var context: TLSContext {
        state.withLock { $0.context }
    }

    /// Why the files as they are now are not in use; nil when they are. For health pages and metrics.
    public var lastFailure: TLSError? {
        state.withLock { $0.lastFailure }
    }

    /// Looks at the files, and loads them if one has changed.
    public func check() -> Outcome {
        checking.withLock { _ in
            let fingerprints = paths.map(Fingerprint.init(path:))
            let (known, previous) = state.withLock { ($0.fingerprints, $0.context) }
            guard fingerprints != known else { return .unchanged }
            do throws(TLSError) {
                let context = try TLSContext(server: configuration, replacing: previous)
                state.withLock { $0 = State(context: context, fingerprints: fingerprints, lastFailure: nil) }
                return .reloaded(context.certificateSummaries)
            } catch {
                state.withLock { state in
                    state.fingerprints = fingerprints
                    state.lastFailure = error
                }
                return .failed(error)
            }
        }
    }
}
