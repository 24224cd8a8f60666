// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Carries OTLP requests over the transport's own client: a kept connection, TLS with the system's trust store or the
// operator's, proxies, client certificates.

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

struct OTLPTransport: Sendable {
    private let sender: HTTPSender

    /// - Throws: what is wrong with the endpoint, the certificates or the proxy variables.
    init(
        _ settings: OTLPSettings,
        environment: [String: String],
        on eventLoop: any EventLoop
    ) throws(OTLPTransportError) {
        let target: HTTPTarget
        do throws(HTTPTargetError) {
            target = try HTTPTarget(settings.url)
        } catch {
            throw OTLPTransportError(reason: "\(error)")
        }
        do throws(HTTPClientError) {
            var configuration = HTTPClientConfiguration(protocols: .http1, tls: nil)
            if target.scheme == .https { configuration.tls = try Self.tls(settings) }
            configuration.proxies = try HTTPProxies(environment: environment)
            self.sender = HTTPSender(
                client: try HTTPClient(configuration),
                target: target,
                on: eventLoop,
                bodyLimit: OTLPRequest.responseLimit
            )
        } catch {
            throw OTLPTransportError(reason: "\(error)")
        }
    }

    private static func tls(_ settings: OTLPSettings) throws(HTTPClientError) -> TLSClientConfiguration {
        var tls = TLSClientConfiguration(trust: settings.certificate.map { .authorities(file: $0) } ?? .system)
        switch (settings.clientCertificate, settings.clientKey) {
        case (let certificate?, let key?):
            tls.certificate = TLSServerConfiguration.CertificateFiles(certificate: certificate, key: key)
        case (nil, nil): break
        default:
            throw .invalidRequest(
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY go together: set both"
            )
        }
        return tls
    }

    func send(_ request: OTLPRequest) async -> OTLPSendResult {
        var headers = HTTPHeaders()
        for header in request.headers { headers.add(name: header.name, value: header.value) }
        let outgoing = HTTPClientRequest(
            .POST, headers: headers, body: ByteBuffer(bytes: request.body), deadline: .nanoseconds(request.timeout)
        )
        do throws(HTTPClientError) {
            let answer = try await self.sender.send(outgoing)
            let status = Int(answer.head.status.code)
            guard let body = answer.body else { return .tooLarge(status: status) }
            return .response(
                status: status,
                headers: answer.head.headers.map { OTLPHeader($0.name.lowercased(), $0.value) },
                body: Array(body.readableBytesView)
            )
        } catch {
            return Self.result(of: error)
        }
    }

    private static func result(of error: HTTPClientError) -> OTLPSendResult {
        switch error {
        case .timedOut(.response, _), .timedOut(.responseHead, _): .timedOut
        default: error.isUnprocessed ? .notConnected("\(error)") : .lostBeforeResponse("\(error)")
        }
    }
}

struct OTLPTransportError: Error {
    let reason: String
}
