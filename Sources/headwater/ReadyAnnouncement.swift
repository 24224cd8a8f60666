// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Tells people and scripts that the origin serves, and where: with port 0 nobody knows before.

import FoundationEssentials
import NIOCore
import Origin

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct ReadyAnnouncement {
    let http: String
    let https: String?
    let admin: String
    private let tryAt: String

    init(_ endpoints: Origin.Endpoints) {
        self.http = Self.authority(endpoints.http)
        self.https = endpoints.https.map { Self.authority($0) }
        self.admin = Self.authority(endpoints.admin)
        self.tryAt = Self.authority(endpoints.http, reachable: true)
    }

    /// One JSON object, for scripts.
    var line: String {
        let https = self.https.map { ",\"https\":\"\($0)\"" } ?? ""
        return "{\"headwater\":\"ready\",\"pid\":\(getpid()),\"http\":\"\(self.http)\"\(https),"
            + "\"admin\":\"\(self.admin)\"}\n"
    }

    /// The line for scripts first, then one for people to paste.
    func print() {
        let hint = "Watch a stream:  curl -N 'http://\(self.tryAt)/events?interval=1000&duration=10'\n"
        StandardOutput.write(self.line + hint)
    }

    func write(to path: String) throws {
        // Whole or not at all: whoever waits for the file must not read half of it.
        try Data(self.line.utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private static func authority(_ address: SocketAddress, reachable: Bool = false) -> String {
        var host = address.ipAddress ?? "localhost"
        if reachable, host == "0.0.0.0" || host == "::" { host = "localhost" }
        return (host.contains(":") ? "[\(host)]" : host) + ":\(address.port ?? 0)"
    }
}
