// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Transport

/// Gathers the evidence of a diagnosis: all streams in parallel for one duration. Judges nothing; see
/// ``DiagnoseResult``.
public struct DiagnoseRun: Sendable {
    /// Makes the client that speaks these protocols to the path's server.
    public typealias MakeClient = @Sendable (HTTPClientProtocols) throws -> HTTPClient

    public let path: ProbePath
    public let makeClient: MakeClient
    public let group: any EventLoopGroup
    public var stamp = PublishStamp()
    /// Seconds.
    public var duration = 10.0
    /// Whether to go on to `envoyDuration` behind Envoy, whose routes end streams at 15 s by default, and to
    /// `longestWait` while no head has come.
    public var isExtensible = true
    /// Whether Headwater is asked for streams of its measurement and of a quiet channel beside the user's.
    public var calibrates = true
    /// Whether the request may be sent more than once.
    public var repeats = true

    /// 15 s, and 1 s that Envoy takes to close.
    static let envoyDuration = 16.8
    /// A buffer of 4 KiB is full by then on most streams.
    static let longestWait = 25.0

    public init(path: ProbePath, group: any EventLoopGroup, makeClient: @escaping MakeClient) {
        self.path = path
        self.group = group
        self.makeClient = makeClient
    }

    private enum Part: Sendable {
        case stream(DiagnoseEvidence.Stream)
        case streams([DiagnoseEvidence.Stream])
        case offers([ProtocolOffer], DiagnoseEvidence.Stream?)
        case clock(ClockTrack)
        case bystander(HTTPHeaders)
        case ownDelay(Int64)
        case timer
    }

    /// - Returns: what was seen; also when the task is cancelled.
    public func run(into recording: Recording) async throws -> DiagnoseEvidence {
        let site = DiagnoseSite(run: self, recording: recording, client: try makeClient(path.protocols))
        var evidence = DiagnoseEvidence(path: path, streams: [], wasSentOnce: !repeats)
        await withTaskGroup(of: Part.self) { tasks in
            // Streams and offers that are not done: without any there is nothing to wait for.
            var open = 1
            tasks.addTask { .stream(await site.follow(.plain)) }
            if repeats {
                open += 3
                tasks.addTask { .stream(await site.follow(.gzip, after: .milliseconds(150))) }
                tasks.addTask { .streams(await site.resume(after: .milliseconds(300))) }
                tasks.addTask {
                    let (offers, stream) = await site.offers()
                    return .offers(offers, stream)
                }
            }
            if calibrates {
                open += 1
                tasks.addTask { .streams(await site.calibrate()) }
            }
            if calibrates {
                tasks.addTask { .clock(await site.watchClock()) }
                tasks.addTask { .bystander(await site.recognise()) }
            }
            tasks.addTask { .ownDelay(await OwnDelay.measure()) }
            tasks.addTask {
                await site.waitForEnd()
                return .timer
            }
            while let part = await tasks.next() {
                switch part {
                case .timer: tasks.cancelAll()
                case .clock(let clock): evidence.clock = clock
                case .bystander(let headers): evidence.bystander = headers
                case .ownDelay(let delay): evidence.ownDelay = delay
                case .stream(let stream):
                    open -= 1
                    evidence.streams.append(stream)
                    // Without a stream the others would say the same.
                    if stream.role == .plain, !stream.isStream { tasks.cancelAll() }
                case .streams(let streams):
                    open -= 1
                    evidence.streams += streams
                case .offers(let offers, let stream):
                    open -= 1
                    evidence.protocols = offers
                    if let stream { evidence.streams.append(stream) }
                }
                if open == 0 { tasks.cancelAll() }
            }
        }
        evidence.streams.sort { ($0.role.index, $0.record.attempt) < ($1.role.index, $1.record.attempt) }
        return evidence
    }
}

extension DiagnoseEvidence.Stream {
    /// Whether an event stream was opened at all.
    var isStream: Bool {
        switch record.ending {
        case .failed(.redirect), .failed(.status), .failed(.notEventStream), .failed(.unknownCoding): false
        case .failed(.connection): record.status != nil
        case nil, .stopped, .complete, .untilClose, .failed(.unreadable): true
        }
    }
}
