// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The one verdict over all streams of a diagnosis: damage first, then the worst delivery.
struct Judgement {
    let delivery: Delivery
    let role: StreamRole?
    let exit: ProbeExit

    init(_ evidence: DiagnoseEvidence, _ deliveries: [StreamRole: Delivery], _ causes: [Cause.Found]) {
        if let cause = causes.first(where: { $0.name.breaks }) {
            delivery = Delivery(
                .broken, cause.confidence, .arrivals, cause.evidence.first ?? cause.text)
            role = nil
            exit = Self.exit(evidence.stream(.plain), cause.name)
            return
        }
        // Of equally bad ones the surest, of equally sure ones the user's own.
        let worst = deliveries.max { a, b in
            (a.value.verdict.severity, a.value.confidence, -a.key.index)
                < (b.value.verdict.severity, b.value.confidence, -b.key.index)
        }
        delivery = worst?.value ?? Delivery(.undecided, .low, .nothing, "no stream was opened")
        role = worst?.key
        exit =
            switch delivery.verdict {
            case .progressive: .success
            case .coalesced: .coalesced
            case .buffered: .buffered
            case .broken: .broken
            case .undecided: .undecided
            }
    }

    private static func exit(_ plain: DiagnoseEvidence.Stream?, _ cause: Cause) -> ProbeExit {
        guard let plain, !plain.isStream else { return .broken }
        switch cause {
        case .unreachable, .tlsFailure: return .unreachable
        default: return .notAStream
        }
    }
}

extension Cause {
    /// Whether a stream that suffers from it cannot be used, or not for long.
    var breaks: Bool {
        switch self {
        case .nginxBuffering, .nginxCompression, .varnishBuffering, .varnishCompression, .trafficServerCompression,
            .akamaiBuffering, .cloudflareBuffering, .azureFrontDoorBuffering, .compression, .buffering, .haproxyDelay,
            .smallWritesHeld, .cached:
            false
        default: true
        }
    }
}
