// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// From evidence and the streams' deliveries to named causes, the gravest first.
struct CauseFinder {
    let evidence: DiagnoseEvidence
    let deliveries: [StreamRole: Delivery]

    func find() -> [Cause.Found] {
        if let failure = noStream() { return [failure] }
        return damage() + withheld() + sharing()
    }

    // MARK: - No stream

    /// The request as given did not open a stream.
    private func noStream() -> Cause.Found? {
        guard let plain = evidence.stream(.plain), !plain.isStream, case .failed(let error) = plain.record.ending else {
            return nil
        }
        let cause: Cause =
            switch error {
            case .redirect: .redirect
            case .status: .errorStatus
            case .notEventStream: .notEventStream
            case .unknownCoding: .corruptCompression
            case .connection(.tls), .connection(.tlsNotConfigured): .tlsFailure
            // The last: it spoke, or hung up, before it was asked anything.
            case .connection(.notHTTP), .connection(.protocolMismatch), .connection(.malformed),
                .connection(.connectionClosing):
                .notHTTP
            case .connection: .unreachable
            case .unreadable: .unreadableStream
            }
        let seen =
            error == .connection(.connectionClosing) ? "the server spoke or hung up before it was asked" : "\(error)"
        return Cause.Found(cause, .high, [seen])
    }

    // MARK: - Damage

    private func damage() -> [Cause.Found] {
        var found: [Cause.Found] = []
        let foreign = evidence.streams.filter { !$0.record.foreignLines.isEmpty }
        if let first = foreign.first, let line = first.record.foreignLines.first {
            let mark = evidence.saw(.httpd)
            let cause: Cause =
                mark != nil && Self.isMarkup(first.record.foreignLines)
                ? .httpdErrorInStream : .foreignContent
            let seen = "\(foreign.count) streams (\(names(foreign))) contain \"\(line)\""
            let isHttpd = cause == .httpdErrorInStream
            found.append(
                Cause.Found(
                    cause, isHttpd ? .high : .medium, [seen] + (isHttpd ? [mark?.evidence].compactMap(\.self) : [])))
        }
        for stream in evidence.streams {
            guard case .failed(.unreadable(let failure)) = stream.record.ending else { continue }
            let (cause, reason): (Cause, String) =
                switch failure {
                case .compression(let error): (.corruptCompression, "\(error)")
                case .stream(let error): (.unreadableStream, "\(error)")
                }
            if !found.contains(where: { $0.name == cause }) {
                found.append(Cause.Found(cause, .high, ["\(stream.role.rawValue): \(reason)"]))
            }
        }
        if let cuts = CutPattern(evidence) {
            // The same fault seen from two sides.
            if found.contains(where: { $0.name == .httpdErrorInStream }) { return found }
            found.append(cuts.cause(evidence))
        }
        return found + losses()
    }

    private func losses() -> [Cause.Found] {
        guard evidence.isHeadwater else { return [] }
        for stream in evidence.streams where stream.role.isForDelivery {
            let order = StreamOrder(stream.samples)
            if order.lost + order.duplicated + order.reordered > 0 {
                return [
                    Cause.Found(
                        .eventsLost, .high,
                        [
                            "\(stream.role.rawValue): \(order.lost) lost, \(order.duplicated) twice, "
                                + "\(order.reordered) out of order"
                        ])
                ]
            }
        }
        return []
    }

    static func isMarkup(_ lines: [String]) -> Bool {
        lines.contains { line in
            let line = line.lowercased()
            return line.hasPrefix("<!doctype html") || line.hasPrefix("<html") || line.hasPrefix("<head")
                || line.hasPrefix("<body") || line.hasPrefix("<h1")
        }
    }

    // MARK: - Held back

    private func withheld() -> [Cause.Found] {
        let held = deliveries.filter { $0.value.verdict == .buffered || $0.value.verdict == .coalesced }
        guard !held.isEmpty else { return [] }
        let confidence = held.values.map(\.confidence).max() ?? .low
        var seen = held.sorted { $0.key.index < $1.key.index }.map { "\($0.key.rawValue): \($0.value.reason)" }
        let isBuffered = held.values.contains { $0.verdict == .buffered }
        let (cause, mark) = isBuffered ? buffering(held) : coalescing(held)
        if let mark { seen.append(mark) }
        // Without a mark the name rests on the behaviour alone.
        let isNamed = cause.intermediary == nil || mark != nil
        return [Cause.Found(cause, isNamed ? confidence : min(confidence, .medium), seen)]
    }

    private func buffering(_ held: [StreamRole: Delivery]) -> (Cause, String?) {
        let gzipRoles: Set<StreamRole> = [.gzip, .calibrationGzip]
        let isCoded = evidence.streams.contains { gzipRoles.contains($0.role) && $0.coding != nil }
        let onlyGzip = held.filter { $0.value.verdict == .buffered }.keys.allSatisfy(gzipRoles.contains)
        let plainWorks = deliveries.contains { !gzipRoles.contains($0.key) && $0.value.verdict == .progressive }
        if onlyGzip, plainWorks {
            return choose(
                [
                    (.nginx, .nginxCompression), (.varnish, .varnishCompression),
                    (.trafficServer, .trafficServerCompression),
                ],
                else: .compression)
        }
        // Varnish unpacks for those who do not take gzip what it has packed for all.
        if evidence.saw(.varnish) != nil, isCoded {
            return choose([(.varnish, .varnishCompression)], else: .compression)
        }
        return choose(
            [
                (.akamai, .akamaiBuffering), (.cloudflare, .cloudflareBuffering),
                (.azureFrontDoor, .azureFrontDoorBuffering), (.varnish, .varnishBuffering), (.nginx, .nginxBuffering),
            ], else: .buffering)
    }

    /// HAProxy leaves no mark, but a time: 200 ms, after which the kernel sends what MSG_MORE held (tcp(7), TCP_CORK).
    private func coalescing(_ held: [StreamRole: Delivery]) -> (Cause, String?) {
        let holds = held.values.compactMap(\.figures.holdMs)
        if let hold = Distribution(holds)?.median, (185...260).contains(hold) {
            return (.haproxyDelay, evidence.saw(.haproxy)?.evidence)
        }
        // Without a known hold the period of the groups: the hold, and the wait for the next event.
        let periods = held.values.compactMap(\.figures.groupPeriodMs)
        if holds.isEmpty, let period = Distribution(periods)?.median, (190...280).contains(period) {
            return (.haproxyDelay, evidence.saw(.haproxy)?.evidence)
        }
        return (.smallWritesHeld, nil)
    }

    private func choose(_ candidates: [(Intermediary, Cause)], else other: Cause) -> (Cause, String?) {
        for (name, cause) in candidates {
            if let mark = evidence.saw(name) { return (cause, mark.evidence) }
        }
        return (other, nil)
    }

    // MARK: - Shared

    private func sharing() -> [Cause.Found] {
        var seen: [String] = []
        for stream in evidence.streams where stream.role.isForDelivery {
            let headers = stream.record.headers
            // An answer that was collected for so long has that age.
            let waited = ((stream.headReceived ?? stream.requested) - stream.requested).seconds
            if let age = headers.first(name: "age"), let seconds = Double(age), seconds > waited + 1 {
                seen.append("Age: \(TextStyle.number(seconds))")
            }
            if let cache = headers.first(name: "x-cache"), cache.lowercased().contains("hit") {
                seen.append("X-Cache: \(ResponseCheck.printable(cache))")
            }
        }
        let numbers = evidence.streams.compactMap { $0.record.headers.first(name: "x-sse-stream") }
        if Set(numbers).count < numbers.count {
            seen.append("\(numbers.count) requests were answered with \(Set(numbers).count) streams of the origin")
        }
        guard let first = seen.first else { return [] }
        return [Cause.Found(.cached, seen.count > 1 ? .high : .medium, [first])]
    }

    private func names(_ streams: [DiagnoseEvidence.Stream]) -> String {
        streams.map(\.role.rawValue).joined(separator: ", ")
    }
}
