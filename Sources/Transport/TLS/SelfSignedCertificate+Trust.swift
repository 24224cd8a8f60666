// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

extension SelfSignedCertificate {
    /// How to make clients trust the certificate, to be printed at the start.
    ///
    /// - Parameter url: An address under which the server is reached, such as `https://localhost:8443/`.
    public func trustInstructions(url: String) -> String {
        """
        Development certificate \(reused ? "(in use since an earlier start)" : "(new)"): \(files.certificate)
          for \((summary.names + summary.addresses).joined(separator: ", "))
          SHA-256 \(fingerprint)

        To trust it:
          curl       curl --cacert \(files.certificate) \(url)
          Python     export SSL_CERT_FILE=\(files.certificate)
          Node.js    export NODE_EXTRA_CA_CERTS=\(files.certificate)
          Headwater  tell its client to take \(files.certificate) as authority
          Chromium   certutil -d sql:$HOME/.pki/nssdb -A -t P,, -n headwater-dev -i \(files.certificate)
          macOS      security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db \\
                       \(files.certificate)
        Or compare the SHA-256 in the browser's warning before you accept it.
        """
    }
}
