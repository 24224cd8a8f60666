// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `--tls-self-signed`: a certificate for this machine, and how to trust it.

import Logging
import Origin
import Transport

enum DevelopmentCertificate {
    /// Makes the certificate if one is asked for, and puts the TLS settings together.
    static func prepare(_ configuration: inout ServeConfiguration, logger: Logger) throws {
        if configuration.tlsSelfSigned {
            do throws(TLSError) {
                let certificate = try SelfSignedCertificate(
                    directory: configuration.tlsDirectory, now: Clock.unix() / 1_000_000_000
                )
                configuration.tlsCertificates.append(certificate.files.certificate)
                configuration.tlsKeys.append(certificate.files.key)
                let url = "https://localhost:\(configuration.origin.tlsPort)/events"
                StandardError.write(certificate.trustInstructions(url: url) + "\n")
            } catch {
                throw StartError(error)
            }
        }
        guard !configuration.tlsCertificates.isEmpty else { return }
        if TLSKeyLog.environmentPath != nil {
            logger.warning("SSLKEYLOGFILE is set: whoever reads that file can read every TLS connection")
        }
        configuration.origin.tls = TLSServerConfiguration(
            certificates: zip(configuration.tlsCertificates, configuration.tlsKeys).map {
                .init(certificate: $0, key: $1)
            },
            clientAuthorities: configuration.tlsClientAuthorities,
            // Our side ends first and the peer's last bytes are still read, as in cleartext.
            allowsHalfClosure: true
        )
    }
}
