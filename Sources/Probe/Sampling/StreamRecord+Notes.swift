// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// How a record takes in what a stream brings.
extension StreamRecord {
    mutating func note(_ response: HTTPClientResponse, lease: PathConnections.Lease) {
        let connection = lease.connection
        phases = response.phases
        status = Int(response.head.status.code)
        headers = response.head.headers
        self.connection = ConnectionRecord(
            number: lease.number,
            request: lease.request,
            applicationProtocol: response.head.applicationProtocol,
            localAddress: connection.local.map(Self.text),
            peerAddress: connection.peer.map(Self.text),
            tls: connection.tls.map { "\($0.version) \($0.cipher)" })
    }

    mutating func note(_ chunk: HTTPBodyChunk) {
        if phases.firstByteReceived == nil { phases.firstByteReceived = chunk.arrival.time }
        silences.end(at: chunk.arrival.time, head: phases.headReceived)
        bytes += chunk.bytes.readableBytes
        reads += 1
        if readLog.count < Self.readLimit {
            readLog.append(BodyRead(time: chunk.arrival.time, bytes: chunk.bytes.readableBytes))
        }
    }

    mutating func note(_ item: StreamReader.Item) {
        switch item {
        case .event(let sample):
            events += 1
            if firstEvent == nil { firstEvent = sample.lastByte }
        case .comment(_, let arrival):
            comments += 1
            if commentTimes.count < Self.commentLimit { commentTimes.append(arrival.time) }
        case .foreign(let line, _):
            if silencesBeforeForeign == nil { silencesBeforeForeign = silences.withoutLatest }
            if foreignLines.count < Self.foreignLimit { foreignLines.append(ResponseCheck.printable(line)) }
        case .update: break
        }
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "?"
        return (host.contains(":") ? "[\(host)]" : host) + ":\(address.port ?? 0)"
    }
}
