// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Whose timer it was, as far as marks and the timers' defaults tell.
extension CutPattern {
    func cause(_ evidence: DiagnoseEvidence) -> Cause.Found {
        let marks = evidence.sightings
        let names = cuts.map(\.role.rawValue).joined(separator: ", ")
        let figure = TextStyle.fixed(seconds, 1)
        switch kind {
        case .age:
            let seen =
                "\(cuts.count) of \(evidence.streams.count) streams (\(names)) were cut at the age of \(figure) s, "
                + "however busy: \(cuts.first?.how ?? "")"
            for (name, cause) in Self.lives {
                if let mark = marks.first(where: { $0.name == name }) {
                    return Cause.Found(cause, max(confidence, .medium), [seen, mark.evidence])
                }
            }
            if abs(seconds - 15) < 0.3 {
                return Cause.Found(.envoyRouteTimeout, .medium, [seen, "15 s is the default of Envoy's routes"])
            }
            return Cause.Found(.maximumLife, confidence, [seen])
        case .silence:
            let seen =
                "\(cuts.count) streams (\(names)) were cut after \(figure) s of silence: \(cuts.first?.how ?? "")"
            for (name, cause) in Self.silences {
                if let mark = marks.first(where: { $0.name == name }) {
                    return Cause.Found(cause, confidence, [seen, mark.evidence])
                }
            }
            return Cause.Found(.idleTimeout, confidence, [seen])
        case .insideEvent:
            return Cause.Found(
                .cutInsideEvent, confidence,
                [
                    "\(cuts.count) streams (\(names)) ended within an event, at the age of \(figure) s: "
                        + "\(cuts.first?.how ?? "")"
                ])
        case .none:
            let ages = cuts.map { "\($0.role.rawValue) at \(TextStyle.fixed($0.age, 1)) s" }.joined(separator: ", ")
            return Cause.Found(.cutWithoutPattern, confidence, ["cut: \(ages): \(cuts.first?.how ?? "")"])
        }
    }

    private static let lives: [(Intermediary, Cause)] = [
        (.envoy, .envoyRouteTimeout), (.varnish, .varnishSendTimeout), (.trafficServer, .trafficServerActiveTimeout),
    ]

    private static let silences: [(Intermediary, Cause)] = [
        (.httpd, .httpdTimeout), (.nginx, .nginxReadTimeout), (.envoy, .envoyIdleTimeout),
        (.varnish, .varnishBetweenBytesTimeout), (.trafficServer, .trafficServerIdleTimeout),
        (.caddy, .caddyReadTimeout), (.nghttpx, .nghttpxReadTimeout), (.haproxy, .haproxyServerTimeout),
    ]
}
