// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A certificate for development that vouches for itself: EC P-256, for localhost and the names given.
///
/// It is written to a directory once and used again as long as it is valid, so that who has trusted it need not do so
/// at every start. Not for production: nobody but those who installed it can tell it from an attacker's.
public struct SelfSignedCertificate: Sendable {
    /// Browsers refuse long-lived certificates, and a forgotten one should go out of use.
    public static let days: Int64 = 90
    /// One this close to its end is replaced at the start, or it would end during the day's work.
    public static let renewalDays: Int64 = 7

    /// Always in the certificate.
    public static let standardNames = ["localhost", "127.0.0.1", "::1"]

    /// Where certificate and key are: the certificate readable by all, the key with mode 0600.
    public let files: TLSServerConfiguration.CertificateFiles
    public let summary: TLSCertificateSummary
    /// SHA-256 over the certificate, in the form that browsers show.
    public let fingerprint: String
    /// Whether it was there already.
    public let reused: Bool

    /// Takes the certificate in `directory`, or makes one there when there is none, it ends soon, or it lacks a name.
    ///
    /// - Parameters:
    ///   - directory: Is made, for this user alone, when it does not exist.
    ///   - names: Further DNS names or IP addresses in text.
    ///   - now: Seconds since 1970.
    public init(directory: String, names: [String] = [], now: Int64) throws(TLSError) {
        var all: [String] = []
        for name in Self.standardNames + names where !all.contains(name) {
            guard Self.isPlain(name) else {
                throw .configuration("\(name) cannot be in a certificate: give host names or IP addresses")
            }
            all.append(name)
        }
        files = .init(certificate: directory + "/headwater-dev.pem", key: directory + "/headwater-dev.key")
        if let present = Self.present(files, names: all, now: now) {
            (summary, fingerprint) = present
            reused = true
            return
        }
        mkdir(directory, 0o700)
        let issued = try SelfSignedIssue(names: all, now: now, days: Self.days)
        try Self.write(issued.key, to: files.key, mode: 0o600)
        try Self.write(issued.certificate, to: files.certificate, mode: 0o644)
        guard let present = Self.present(files, names: all, now: now) else {
            throw .fileUnwritable(path: files.certificate, reason: "what was written cannot be read back")
        }
        (summary, fingerprint) = present
        reused = false
    }

    /// What is on disk, if it can still be used.
    private static func present(
        _ files: TLSServerConfiguration.CertificateFiles,
        names: [String],
        now: Int64
    ) -> (TLSCertificateSummary, String)? {
        guard let summary = try? TLSCertificate(files: files).summary,
            let certificate = try? PEMFile(path: files.certificate).certificates().first,
            summary.notBefore <= now,
            summary.notAfter - now > renewalDays * 86_400
        else { return nil }
        let held = Set(summary.names).union(summary.addresses)
        guard names.allSatisfy({ held.contains(canonicalAddress($0) ?? $0) }) else { return nil }
        return (summary, fingerprint(of: certificate.pointer))
    }

    /// One spelling for each address: `::1` and `0:0:0:0:0:0:0:1` are the same.
    private static func canonicalAddress(_ text: String) -> String? {
        (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress
    }

    /// Only what host names and addresses are made of: the text goes through OpenSSL's extension syntax.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default:
                    "-._:*".utf8.contains(byte)
                }
            }
    }

    private static func fingerprint(of certificate: OpaquePointer) -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &length) == 1 else { return "" }
        return digest[..<Int(length)]
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
            .joined(separator: ":")
    }

    /// Writes beside and renames, so that no reader sees half a file, and no key is readable by others for a moment.
    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(TLSError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw .fileUnwritable(path: path, reason: String(cString: strerror(errno)))
        }
        let written = bytes.withUnsafeBytes { unsafe in
            #if canImport(Darwin)
                Darwin.write(descriptor, unsafe.baseAddress, unsafe.count)
            #elseif canImport(Glibc)
                Glibc.write(descriptor, unsafe.baseAddress, unsafe.count)
            #else
                Musl.write(descriptor, unsafe.baseAddress, unsafe.count)
            #endif
        }
        // The umask may have taken bits off; it never adds any.
        let kept = fchmod(descriptor, mode)
        guard written == bytes.count, kept == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw .fileUnwritable(path: path, reason: reason)
        }
    }
}
