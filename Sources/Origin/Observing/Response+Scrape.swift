// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Response {
    /// The answer to a scrape: the origin's, and that of whoever else has metrics.
    public init(_ scrape: Scrape) {
        var headers: HTTPHeaders = [
            "Content-Type": scrape.contentType, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding",
        ]
        if let coding = scrape.contentEncoding { headers.add(name: "Content-Encoding", value: coding) }
        self.init(status: .ok, headers: headers, body: ByteBuffer(bytes: scrape.body))
    }
}
