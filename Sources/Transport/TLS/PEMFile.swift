// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

/// A PEM file in memory: certificates and keys are read out of it block by block.
struct PEMFile {
    /// Distributions' whole trust stores have about 250 KB. More is a wrong path.
    static let sizeLimit = 8 << 20

    let path: String
    let bytes: [UInt8]

    init(path: String) throws(TLSError) {
        OpenSSLErrorQueue.clear()
        guard let file = BIO_new_file(path, "r") else {
            throw .fileUnreadable(path: path, reason: OpenSSLErrorQueue.take().systemReason ?? "cannot be opened")
        }
        defer { BIO_free(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Int(BIO_read(file, &chunk, Int32(chunk.count)))
            if count < 0 {
                throw .fileUnreadable(path: path, reason: OpenSSLErrorQueue.take().systemReason ?? "cannot be read")
            }
            guard count > 0 else { break }
            bytes += chunk[..<count]
            guard bytes.count <= Self.sizeLimit else {
                throw .fileUnreadable(path: path, reason: "it has more than \(Self.sizeLimit) bytes")
            }
        }
        self.path = path
        self.bytes = bytes
    }

    /// All certificates in the order of the file; at least one.
    func certificates() throws(TLSError) -> [OpenSSLObject] {
        let bio = try reader()
        var found: [OpenSSLObject] = []
        OpenSSLErrorQueue.clear()
        while let certificate = PEM_read_bio_X509(bio.pointer, nil, Self.refuseToAsk, nil) {
            found.append(OpenSSLObject(certificate) { X509_free($0) })
        }
        // The loop ends with an error in any case; "no start line" is the end of the file.
        let queue = OpenSSLErrorQueue.take()
        guard queue.contains(library: ERR_LIB_PEM, reason: PEM_R_NO_START_LINE) else {
            throw .certificateRefused(path: path, reason: queue.text)
        }
        guard !found.isEmpty else { throw .nothingInFile(path: path, wanted: "certificate") }
        return found
    }

    /// The first private key.
    func privateKey() throws(TLSError) -> OpenSSLObject {
        let bio = try reader()
        var wasAsked = false
        OpenSSLErrorQueue.clear()
        let key = withUnsafeMutablePointer(to: &wasAsked) { wasAsked in
            PEM_read_bio_PrivateKey(bio.pointer, nil, Self.refuseToAsk, wasAsked)
        }
        guard let key else {
            OpenSSLErrorQueue.clear()
            if wasAsked { throw .keyEncrypted(path: path) }
            throw .nothingInFile(path: path, wanted: "private key")
        }
        return OpenSSLObject(key) { EVP_PKEY_free($0) }
    }

    private func reader() throws(TLSError) -> MemoryBIO {
        let bio = try MemoryBIO()
        let appended: Result<Void, TLSError> = bytes.withUnsafeBytes { bytes in
            Result { () throws(TLSError) in try bio.append(bytes) }
        }
        try appended.get()
        return bio
    }

    /// Without a callback OpenSSL asks for the passphrase on the terminal, and a server would hang.
    private static let refuseToAsk:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
            _, _, _, wasAsked in
            wasAsked?.assumingMemoryBound(to: Bool.self).pointee = true
            return -1
        }
}
