// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How many streams share how many sockets on one side of a path, and which: the evidence for or against multiplexing.
public struct MuxSide: Encodable, Sendable, Equatable {
    /// One socket and the streams on it.
    public struct Socket: Encodable, Sendable, Equatable {
        /// Our own number of the connection, or the origin's id of its.
        public let id: String
        public let streams: Int
        /// The running numbers of the streams' requests on it; the first `requestLimit`.
        public let requests: [Int]
    }

    public let streams: Int
    public let sockets: Int
    /// Streams per socket.
    public let ratio: Double
    /// Those with the most streams first; the first `socketLimit`.
    public let evidence: [Socket]

    static let requestLimit = 16
    static let socketLimit = 16

    /// - Parameter requests: for each stream the id of its socket and its request's number there. Nil without any.
    init?(_ requests: [(id: String, request: Int)]) {
        guard !requests.isEmpty else { return nil }
        let byID = Dictionary(grouping: requests, by: \.id)
        streams = requests.count
        sockets = byID.count
        ratio = Double(streams) / Double(sockets)
        let found = byID.map { id, requests in
            Socket(
                id: id, streams: requests.count,
                requests: Array(requests.map(\.request).sorted().prefix(Self.requestLimit)))
        }
        evidence = Array(found.sorted { ($1.streams, $0.id) < ($0.streams, $1.id) }.prefix(Self.socketLimit))
    }
}
