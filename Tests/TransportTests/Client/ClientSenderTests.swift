// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// What the exporter of telemetry needs: POST after POST on one connection, and a fresh one when it has gone.
@Suite(.timeLimit(.minutes(1))) struct ClientSenderTests {
    private static func post(_ text: String, path: String = "/echo") -> HTTPClientRequest {
        HTTPClientRequest(
            .POST, path: path, headers: ["Content-Type": "application/x-protobuf"], body: ByteBuffer(string: text))
    }

    @Test(arguments: [HTTPClientProtocols.http1, .http2])
    func requestsShareAConnection(protocols: HTTPClientProtocols) async throws {
        let origin = try await ClientTestOrigin.listen()
        let sender = HTTPSender(
            client: try HTTPClient(TestClient.configuration(protocols)), target: try origin.target("/"),
            on: TestClient.loop, bodyLimit: 100)
        let numbers = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<10 {
                group.addTask {
                    let answer = try await sender.send(Self.post("\(number)"))
                    #expect(answer.body.map { String(buffer: $0) } == "\(number)")
                    return answer.head.headers["x-request-number"].joined()
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(numbers == Set((1...10).map(String.init)))
        await sender.close()
        try await origin.stop()
    }

    @Test func connectionThatTheServerClosedIsMadeAnew() async throws {
        let origin = try await ClientTestOrigin.listen()
        let client = try HTTPClient(TestClient.configuration())
        let sender = HTTPSender(
            client: client, target: try origin.target("/"), on: TestClient.loop, bodyLimit: 100)
        let first = try await sender.send(Self.post("a")).head.headers["x-connection"]
        try await origin.closeAll()
        // The end may reach us before, within or after the next request, which fails in the second case.
        var second: [String] = []
        for _ in 0..<3 where second.isEmpty {
            second = (try? await sender.send(Self.post("b")).head.headers["x-connection"]) ?? []
        }
        #expect(!second.isEmpty)
        #expect(second != first)
        await sender.close()
        try await origin.stop()
    }

    @Test func answerOverTheBoundIsRefusedAndTheNextOneWorks() async throws {
        let origin = try await ClientTestOrigin.listen()
        let sender = HTTPSender(
            client: try HTTPClient(TestClient.configuration()), target: try origin.target("/"), on: TestClient.loop,
            bodyLimit: 4)
        let tooLarge = try await sender.send(Self.post("12345"))
        #expect(tooLarge.head.status == .ok)
        #expect(tooLarge.body == nil)
        #expect(try await sender.send(Self.post("1234")).body.map { String(buffer: $0) } == "1234")
        await sender.close()
        try await origin.stop()
    }

    @Test func deadServerFailsEachRequestQuickly() async throws {
        let port = try await TestClient.freePort()
        let sender = HTTPSender(
            client: try HTTPClient(TestClient.configuration()), target: try HTTPTarget("http://127.0.0.1:\(port)/"),
            on: TestClient.loop, bodyLimit: 100)
        for _ in 0..<3 {
            await #expect(throws: HTTPClientError.refused(addresses: "127.0.0.1 port \(port)")) {
                try await sender.send(Self.post("a"))
            }
        }
    }
}
