// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Sends small requests one after the other over a connection that is kept, and made anew when it has ended: for an
/// exporter or a health check. Callers at the same time wait for each other.
///
/// Nothing is sent twice unless it cannot have been processed: a kept connection that the server has closed meanwhile
/// fails with `.ended`, and whether to repeat is the caller's knowledge.
public actor HTTPSender {
    public struct Answer: Sendable {
        public let head: HTTPClientResponseHead
        /// `nil` if it exceeds the limit: then the rest was not read, and the connection is closed.
        public let body: ByteBuffer?
    }

    private let client: HTTPClient
    private let target: HTTPTarget
    private let eventLoop: any EventLoop
    private let bodyLimit: Int
    private var connection: HTTPClientConnection?
    private var isSending = false
    /// Bound: the callers' own tasks, one entry each.
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameter bodyLimit: bytes of an answer's body; see ``Answer/body``.
    public init(client: HTTPClient, target: HTTPTarget, on eventLoop: any EventLoop, bodyLimit: Int) {
        self.client = client
        self.target = target
        self.eventLoop = eventLoop
        self.bodyLimit = bodyLimit
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> Answer {
        await enter()
        defer { leave() }
        for isRetry in [false, true] {
            let connection: HTTPClientConnection
            let isKept = self.connection != nil
            if let kept = self.connection {
                connection = kept
            } else {
                connection = try await client.connect(to: target, on: eventLoop)
                self.connection = connection
            }
            do throws(HTTPClientError) {
                let response = try await connection.request(request)
                return try await answer(response, on: connection)
            } catch {
                connection.close()
                self.connection = nil
                guard isKept, !isRetry, error.isUnprocessed else { throw error }
            }
        }
        throw .connectionClosing
    }

    private func answer(
        _ response: HTTPClientResponse,
        on connection: HTTPClientConnection
    ) async throws(HTTPClientError) -> Answer {
        do throws(HTTPClientError) {
            return Answer(head: response.head, body: try await response.collect(upTo: bodyLimit))
        } catch .bodyTooLarge {
            connection.close()
            self.connection = nil
            return Answer(head: response.head, body: nil)
        } catch {
            throw error
        }
    }

    /// Ends the kept connection.
    public func close() {
        connection?.close()
        connection = nil
    }

    private func enter() async {
        if isSending {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isSending = true
        }
    }

    private func leave() {
        if waiting.isEmpty {
            isSending = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}
