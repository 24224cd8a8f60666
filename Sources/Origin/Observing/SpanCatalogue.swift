// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Every span and attribute that the origin makes. docs/spans.md says what they mean, and a test holds it against this.
// Names without `sse.` follow OpenTelemetry's semantic conventions 1.44.

import Telemetry

enum SpanName: String, CaseIterable {
    /// `GET {route}`: a stream's establishment.
    case server = "GET {route}"
    case stream = "sse.stream"
    case segment = "sse.stream.segment"
    /// The root of a long stream's next trace.
    case continued = "sse.stream.continued"
    case event = "sse.event"
    case connection = "sse.connection"
    /// `publish {channel}`
    case publish = "publish {channel}"
}

enum SpanKey {
    static let streamID: AttributeKey = "sse.stream.id"
    static let connectionID: AttributeKey = "sse.connection.id"
    static let requestNumber: AttributeKey = "sse.connection.request_number"
    static let path: AttributeKey = "sse.path"
    static let channel: AttributeKey = "sse.channel"
    static let resumeOutcome: AttributeKey = "sse.resume.outcome"
    static let part: AttributeKey = "sse.trace.part"
    static let isContinued: AttributeKey = "sse.trace.continued"

    static let eventID: AttributeKey = "sse.event.id"
    static let isReplay: AttributeKey = "sse.event.replay"
    static let eventBytes: AttributeKey = "sse.event.bytes"
    static let eventLag: AttributeKey = "sse.event.lag"
    static let eventQueueWait: AttributeKey = "sse.event.queue_wait"
    static let eventWriteTime: AttributeKey = "sse.event.write_time"

    static let events: AttributeKey = "sse.events"
    static let bytes: AttributeKey = "sse.bytes"
    static let heartbeats: AttributeKey = "sse.heartbeats"
    static let maximumLag: AttributeKey = "sse.lag.max"
    static let backlogBytes: AttributeKey = "sse.backlog.bytes"
    static let age: AttributeKey = "sse.stream.age"
    static let idle: AttributeKey = "sse.stream.idle"
    static let closeReason: AttributeKey = "sse.close.reason"
    static let closeConfidence: AttributeKey = "sse.close.confidence"
    static let closeEvidence: AttributeKey = "sse.close.evidence"
    static let suspectedTimeout: AttributeKey = "sse.close.suspected_timeout"
    static let resetCode: AttributeKey = "http2.error_code"
    static let goAwayDebug: AttributeKey = "http2.goaway.debug_data"
    static let fanOut: AttributeKey = "sse.publish.streams"

    static let requests: AttributeKey = "sse.connection.requests"
    static let peakStreams: AttributeKey = "sse.connection.peak_streams"
    static let connectionEnd: AttributeKey = "sse.connection.end"

    static let http2StreamID: AttributeKey = "http2.stream.id"
    static let method: AttributeKey = "http.request.method"
    static let route: AttributeKey = "http.route"
    static let status: AttributeKey = "http.response.status_code"
    static let urlPath: AttributeKey = "url.path"
    static let urlQuery: AttributeKey = "url.query"
    static let urlScheme: AttributeKey = "url.scheme"
    static let serverAddress: AttributeKey = "server.address"
    static let clientAddress: AttributeKey = "client.address"
    static let peerAddress: AttributeKey = "network.peer.address"
    static let protocolName: AttributeKey = "network.protocol.name"
    static let protocolVersion: AttributeKey = "network.protocol.version"
    static let userAgent: AttributeKey = "user_agent.original"
    static let tlsVersion: AttributeKey = "tls.protocol.version"
    static let tlsCipher: AttributeKey = "tls.cipher"
    static let alpn: AttributeKey = "tls.next_protocol"

    static let messagingSystem: AttributeKey = "messaging.system"
    static let messagingOperation: AttributeKey = "messaging.operation.name"
    static let messagingOperationType: AttributeKey = "messaging.operation.type"
    static let messagingDestination: AttributeKey = "messaging.destination.name"
    static let messagingBatchCount: AttributeKey = "messaging.batch.message_count"
    static let messagingBodySize: AttributeKey = "messaging.message.body.size"

    static let all = [
        streamID, connectionID, requestNumber, path, channel, resumeOutcome, part, isContinued, eventID, isReplay,
        eventBytes,
        eventLag, eventQueueWait, eventWriteTime, events, bytes, heartbeats, maximumLag, backlogBytes, age, idle,
        closeReason, closeConfidence, closeEvidence, suspectedTimeout, resetCode, goAwayDebug, fanOut, requests,
        peakStreams, connectionEnd, http2StreamID, method, route, status, urlPath, urlQuery, urlScheme, serverAddress,
        clientAddress, peerAddress, protocolName, protocolVersion, userAgent, tlsVersion, tlsCipher, alpn,
        messagingSystem, messagingOperation, messagingOperationType, messagingDestination, messagingBatchCount,
        messagingBodySize,
    ]
}
