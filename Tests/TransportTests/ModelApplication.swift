// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// The application of the model tests: opens streams and serves them as the lot says, and knows how each must end.
final class ModelApplication {
    private var opened: Set<StreamToken> = []
    /// Those that it has ended itself.
    private var over: Set<StreamToken> = []
    private var generator: SeededGenerator
    private var streams: [(token: StreamToken, stream: ServerStream, position: UInt64)] = []
    private let log = FramedLog(maximumMessages: .max, maximumBytes: .max)

    init(seed: UInt64) {
        self.generator = SeededGenerator(seed: seed)
        // Nearly nothing, about one window, and more than the output holds.
        for size in [1, 900, 5_000, 40, 300] {
            let message = [UInt8](repeating: 0x2e, count: size)
            for _ in 0..<20 { message.withUnsafeBytes { self.log.append($0, publishedAt: 0) } }
        }
    }

    func draw(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self.generator) }

    func open(_ stream: ServerStream) {
        let token = StreamToken(slot: Int32(self.opened.count), generation: 0)
        stream.open(Response(status: .ok), token: token, preamble: ByteBuffer(string: ": hello\n\n"))
        self.opened.insert(token)
        self.streams.append((token, stream, 1))
    }

    /// One pass. It does not know which streams the peer has ended.
    /// - Parameter includingOver: serves those as well that it has ended itself.
    func deliver(includingOver: Bool) {
        for index in self.streams.indices where includingOver || !self.over.contains(self.streams[index].token) {
            let (token, stream, _) = self.streams[index]
            switch self.draw(12) {
            case 0:
                stream.finish(self.draw(2) == 0 ? ByteBuffer(repeating: 0x2e, count: 1_500) : nil)
                self.over.insert(token)
            case 1:
                stream.abort()
                self.over.insert(token)
            case 2:
                _ = [UInt8](repeating: 0x2e, count: 700).withUnsafeBytes { stream.send($0) }
            default:
                if !self.log.holds(self.streams[index].position) { self.streams[index].position = 1 }
                _ = stream.send(from: &self.streams[index].position, of: self.log)
            }
        }
    }

    /// Lets go of half of those that it has ended itself.
    func forgetSome() { self.streams.removeAll { self.over.contains($0.token) && self.draw(2) == 0 } }

    /// - Parameter ends: what the transport has told until the connection was over.
    func expectEachToHaveEndedOnce(_ ends: [(token: StreamToken, cause: StreamEnd.Cause)]) {
        let ended = ends.map(\.token)
        #expect(Set(ended).count == ended.count, "a stream was ended twice")
        #expect(self.opened.subtracting(self.over).subtracting(ended).isEmpty, "a stream was never ended")
        #expect(self.opened.isSuperset(of: ended), "a stream was ended that nobody had opened")
    }
}
