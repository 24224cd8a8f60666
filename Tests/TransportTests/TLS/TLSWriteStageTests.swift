// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

@Suite struct TLSWriteStageTests {
    @Test func promisesComeWithTheirLastByte() throws {
        let loop = EmbeddedEventLoop()
        var stage = TLSWriteStage()
        let promises = (0..<4).map { _ in loop.makePromise(of: Void.self) }
        stage.append(ByteBuffer(string: "aaaa"), promise: promises[0])
        stage.append(ByteBuffer(), promise: promises[1])
        stage.append(ByteBuffer(string: "bb"), promise: nil)
        stage.append(ByteBuffer(string: "cccc"), promise: promises[2])
        #expect(stage.count == 10)
        let first = stage.take(upTo: 3)
        #expect(first.bytes == ByteBuffer(string: "aaa"))
        #expect(first.promises.isEmpty)
        let second = stage.take(upTo: 2)
        #expect(second.bytes == ByteBuffer(string: "ab"))
        #expect(second.promises.map(\.futureResult) == promises[..<2].map(\.futureResult))
        stage.append(ByteBuffer(string: "d"), promise: promises[3])
        let third = stage.take(upTo: .max)
        #expect(third.bytes == ByteBuffer(string: "bccccd"))
        #expect(third.promises.map(\.futureResult) == promises[2...].map(\.futureResult))
        #expect(stage.isEmpty)
        for promise in promises { promise.succeed(()) }
    }

    @Test func singleWriteIsNotCopied() {
        var stage = TLSWriteStage()
        let bytes = ByteBuffer(repeating: 1, count: 1000)
        let address = bytes.withUnsafeReadableBytes { $0.baseAddress }
        stage.append(bytes, promise: nil)
        #expect(stage.take(upTo: .max).bytes.withUnsafeReadableBytes { $0.baseAddress } == address)
    }

    @Test func emptyWriteAloneStillHasItsPromise() {
        let loop = EmbeddedEventLoop()
        var stage = TLSWriteStage()
        let promise = loop.makePromise(of: Void.self)
        stage.append(ByteBuffer(), promise: promise)
        #expect(!stage.isEmpty)
        #expect(stage.drop().map(\.futureResult) == [promise.futureResult])
        #expect(stage.isEmpty)
        promise.succeed(())
    }
}

@Suite struct ServerNameTableTests {
    private let table = ServerNameTable(names: [
        ["example.com", "WWW.Example.com"], ["*.example.com"], ["*.com", "example.com"], ["trailing.dot."],
    ])

    @Test(arguments: [
        ("example.com", [0, 2]), ("www.example.com", [0]), ("WWW.EXAMPLE.COM", [0]), ("example.com.", [0, 2]),
        ("a.example.com", [1]), ("a.b.example.com", []), ("other.com", [2]), ("com", []), ("", []), (".", []),
        (".example.com", []), ("trailing.dot", [3]), ("*.example.com", [1]),
    ])
    func nameFindsItsCertificates(name: String, found: [Int]) {
        #expect(table.certificates(for: name) == found)
    }
}
