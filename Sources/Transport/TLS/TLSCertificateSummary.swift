// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// What a certificate says of itself, for logs, metrics and the choice by server name.
public struct TLSCertificateSummary: Sendable, Hashable {
    /// The subject in the form of RFC 2253, such as `CN=example.com,O=Example`. May be empty.
    public let subject: String
    /// The subject alternative names of the kind DNS, as they are written.
    public let names: [String]
    /// The subject alternative names of the kind IP address, in text.
    public let addresses: [String]
    /// Seconds since 1970 before which the certificate is not valid.
    public let notBefore: Int64
    /// Seconds since 1970 after which the certificate is no longer valid.
    public let notAfter: Int64

    init(certificate: OpaquePointer) {
        subject = Self.subject(of: certificate)
        notBefore = Self.seconds(of: X509_get0_notBefore(certificate))
        notAfter = Self.seconds(of: X509_get0_notAfter(certificate))
        var names: [String] = []
        var addresses: [String] = []
        if let alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
            let alternatives = OpaquePointer(alternatives)
            defer { copenssl_general_names_free(alternatives) }
            for index in 0..<copenssl_general_names_count(alternatives) {
                var start: UnsafePointer<UInt8>?
                var length: Int32 = 0
                let kind = copenssl_general_name(alternatives, index, &start, &length)
                let octets = UnsafeBufferPointer(start: start, count: Int(length))
                if kind == GEN_DNS {
                    names.append(String(decoding: octets, as: UTF8.self))
                } else if kind == GEN_IPADD, let text = Self.address(octets) {
                    addresses.append(text)
                }
            }
        }
        self.names = names
        self.addresses = addresses
    }

    /// The subject of an X509 in the form of RFC 2253.
    static func subject(of certificate: OpaquePointer) -> String {
        guard let bio = try? MemoryBIO() else { return "" }
        X509_NAME_print_ex(bio.pointer, X509_get_subject_name(certificate), 0, copenssl_name_rfc2253)
        return String(decoding: bio.takeBytes(), as: UTF8.self)
    }

    /// ASN.1 times are UTC from year 1 to 9999; OpenSSL counts the days and seconds from 1970 to them.
    private static func seconds(of time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    /// IPv4 or IPv6 by the number of octets, in the spelling of RFC 5952.
    private static func address(_ octets: UnsafeBufferPointer<UInt8>) -> String? {
        (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: octets), port: 0))?.ipAddress
    }
}
