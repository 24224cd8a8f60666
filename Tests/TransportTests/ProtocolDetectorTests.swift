// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct ProtocolDetectorTests {
    private func findings(_ pieces: String...) -> [ProtocolDetector.Finding] {
        var detector = ProtocolDetector()
        return pieces.map { detector.take(ByteBuffer(string: $0)) }
    }

    @Test func threeBytesOfThePrefaceAreHTTP2() {
        #expect(self.findings("P", "R", "I") == [.undecided, .undecided, .http2(ByteBuffer(string: "PRI"))])
        let preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0")
        #expect(self.findings(String(buffer: preface)) == [.http2(preface)])
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n", "PUT", "PROPFIND", "PRI * HTTP/1.1\r\n\r\n", "\r\n", "\u{16}\u{3}"])
    func anythingElseIsHTTP1(_ text: String) {
        #expect(self.findings(text) == [.http1(ByteBuffer(string: text))])
    }

    @Test func nothingOfWhatCameIsLost() {
        let whole = ByteBuffer(string: "PROPFIND /")
        #expect(self.findings("", "PR", "OPFIND /") == [.undecided, .undecided, .http1(whole)])
    }
}
