// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// The paths of streams that a Headwater origin makes to order, beside the one that was named.
struct HeadwaterStreams: Sendable {
    private let prefix: Substring
    /// What the caller put into the query and is none of our business: a token of the edge, a name of the path.
    private let kept: [Substring]
    /// Makes channel names that nobody else uses.
    private let run: String

    /// What names or shapes a stream in the origin's own parameters.
    private static let own: Set<String> = [
        "interval", "size", "duration", "profile", "seed", "heartbeat", "channel", "last_event_id",
    ]

    /// - Parameter path: of a stream's URL, query included.
    /// - Returns: nil if it is not one of the origin's: something on the way rewrites paths, and others may not pass.
    init?(path: String, run: String) {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let segments = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard segments.last == "events" else { return nil }
        var kept = segments.dropLast()
        if kept.count >= 2, kept[kept.count - 2] == "channels" {
            kept = kept.dropLast(2)
        } else if kept.last == "channels" {
            kept = kept.dropLast()
        }
        prefix = Substring(kept.joined(separator: "/"))
        self.kept = (parts.count > 1 ? parts[1] : "").split(separator: "&").filter { pair in
            !Self.own.contains(String(pair.prefix { $0 != "=" }))
        }
        self.run = run
    }

    /// - Parameter number: of the stream in its run.
    func path(_ role: HeldStream.Role, number: Int) -> String {
        switch role {
        case .quiet: channel(number, "off")
        case .beating(let interval) where interval < 0.5:
            query("\(prefix)/events", ["interval=\(Int(interval * 1_000))", "size=64", "seed=\(number)"])
        case .beating(let interval): channel(number, "\(interval)")
        case .asIs: query("\(prefix)/events", [])
        }
    }

    private func channel(_ number: Int, _ heartbeat: String) -> String {
        query("\(prefix)/channels/probe-idle-\(run)-\(number)/events", ["heartbeat=\(heartbeat)"])
    }

    private func query(_ path: String, _ own: [String]) -> String {
        let all = own + kept.map(String.init)
        return all.isEmpty ? path : "\(path)?\(all.joined(separator: "&"))"
    }
}
