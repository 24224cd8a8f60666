// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

@testable import Transport

/// A server's session and its client, without a connection between them.
final class HTTP2Peer {
    /// Unchecked as in the connection, whose hot path pays for no check either.
    @exclusivity(unchecked) var session: HTTP2ServerSession
    private var client = HTTP2Client()

    /// The connection is established, and has no stream.
    init(maximumStreams: Int) throws {
        var configuration = HTTP2SessionConfiguration()
        configuration.maxConcurrentStreams = maximumStreams
        self.session = HTTP2ServerSession(configuration: configuration, now: 0, seed: 42)
        self.session.receive(ByteBuffer(bytes: HTTP2Client.greeting), now: 0)
        let event = self.session.nextEvent()
        let (isAcknowledged, window) = (self.session.settingsAcknowledged, self.session.peer.initialWindow)
        try expect(event == nil && isAcknowledged, "the greeting led to \(String(describing: event))")
        try expect(window == HTTP2Client.largestWindow, "the streams' window is \(window)")
        self.session.outputWritten(.max)
    }

    func nextRequest() throws -> ByteBuffer { try self.client.nextRequest() }

    /// Opens a stream and begins its response.
    func open() throws -> StreamSlot {
        self.session.receive(try self.client.nextRequest(), now: 0)
        guard case .request(let slot, _, _)? = self.session.nextEvent() else {
            throw WorkloadError("no request was read")
        }
        self.session.sendHead(slot, HTTP2ResponseHead(status: 200, headers: ["content-type": "text/event-stream"]))
        self.session.outputWritten(.max)
        return slot
    }

    /// Opens the connection's window as far as it goes.
    func openWindow() throws {
        let increment = HTTP2Client.largestWindow - self.session.connectionWindow
        if increment == 0 { return }
        self.session.receive(HTTP2Client.windowUpdate(by: increment), now: 0)
        let event = self.session.nextEvent()
        let window = self.session.connectionWindow
        try expect(event == nil && window == HTTP2Client.largestWindow, "the connection's window is \(window)")
    }
}
