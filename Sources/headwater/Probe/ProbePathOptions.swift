// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How a stream is asked for: protocol, request, TLS. Shared by the commands of the probe.

import ArgumentParser
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Probe
import Transport

struct ProbePathOptions: ParsableArguments {
    /// What may be spoken; `HTTPClientProtocols` under names to type.
    enum Version: String, ExpressibleByArgument {
        case auto, h1, h2

        var protocols: HTTPClientProtocols {
            switch self {
            case .auto: .negotiated
            case .h1: .http1
            case .h2: .http2
            }
        }
    }

    @Option(help: "auto takes what the server offers by TLS and HTTP/1.1 in cleartext; h2 in cleartext is h2c.")
    var `protocol`: Version = .auto

    @Option(help: "The request's method.")
    var method: String?

    @Option(
        name: [.customLong("header"), .customShort("H")], help: "A field of the request, as 'Name: value'. Repeat it.")
    var headers: [String] = []

    @Option(help: "The request's body, or @FILE; makes the method POST. For endpoints that answer with a stream.")
    var body: String?

    @Flag(help: "Offer gzip, as browsers do.")
    var gzip = false

    @Flag(help: "Believe any certificate. For development servers only.")
    var insecure = false

    @Option(help: ArgumentHelp("Believe the authorities in this file instead of the system's.", valueName: "pem"))
    var ca: String?

    @Option(help: ArgumentHelp("Show this certificate to servers that ask for one.", valueName: "pem"))
    var cert: String?

    @Option(help: ArgumentHelp("The certificate's key.", valueName: "pem"))
    var key: String?

    @Option(help: "The member of the events' JSON that holds the publish time.")
    var timeField = "ts"

    @Option(help: "The member of the events' JSON that holds the publisher's number.")
    var sequenceField = "seq"

    var stamp: PublishStamp { PublishStamp(timeField: timeField, sequenceField: sequenceField) }

    mutating func validate() throws {
        if (cert == nil) != (key == nil) { throw ValidationError("--cert and --key go together: give both") }
        _ = try requestFields()
        // Also an error when the file cannot be read.
        _ = try requestBody()
    }

    private func requestFields() throws -> HTTPHeaders {
        var fields = HTTPHeaders()
        for header in headers {
            guard let colon = header.firstIndex(of: ":"), colon != header.startIndex else {
                throw ValidationError("--header \"\(header)\" has no name: write 'Name: value'")
            }
            let value = header[header.index(after: colon)...].drop { $0 == " " }
            fields.add(name: String(header[..<colon]), value: String(value))
        }
        return fields
    }

    private func requestBody() throws -> ByteBuffer? {
        guard let body else { return nil }
        guard body.hasPrefix("@") else { return ByteBuffer(string: body) }
        do {
            return ByteBuffer(bytes: try Data(contentsOf: URL(filePath: String(body.dropFirst()))))
        } catch {
            throw ValidationError("--body \(body): the file cannot be read")
        }
    }

    /// The path behind `URL` or `NAME=URL`.
    func path(_ argument: String, protocols: HTTPClientProtocols? = nil) throws -> ProbePath {
        var (name, url) = ("", argument)
        if let equals = argument.firstIndex(of: "="), !argument[..<equals].contains(where: { ":/?".contains($0) }) {
            name = String(argument[..<equals])
            url = String(argument[argument.index(after: equals)...])
        }
        let target: HTTPTarget
        do throws(HTTPTargetError) {
            target = try HTTPTarget(url)
        } catch {
            throw ValidationError("\(error)")
        }
        let body = try requestBody()
        return ProbePath(
            name: name.isEmpty ? target.authority : name,
            target: target,
            protocols: protocols ?? self.protocol.protocols,
            method: HTTPMethod(rawValue: method?.uppercased() ?? (body == nil ? "GET" : "POST")),
            headers: try requestFields(),
            body: body,
            acceptsGzip: gzip
        )
    }

    /// Paths of several arguments, with names that differ.
    func paths(_ arguments: [String]) throws -> [ProbePath] {
        var paths = try arguments.map { try path($0) }
        for (place, path) in paths.enumerated() where paths.count(where: { $0.name == path.name }) > 1 {
            paths[place].name = "\(path.name)#\(place + 1)"
        }
        return paths
    }

    /// The client that speaks the path's protocol.
    func client(for path: ProbePath) throws -> HTTPClient {
        var tls: TLSClientConfiguration?
        if path.target.scheme == .https {
            tls = TLSClientConfiguration(
                trust: insecure ? .insecure : ca.map { .authorities(file: $0) } ?? .system,
                certificate: cert.flatMap { cert in key.map { .init(certificate: cert, key: $0) } })
        }
        var configuration = HTTPClientConfiguration(protocols: path.protocols, tls: tls)
        do throws(HTTPClientError) {
            configuration.proxies = try HTTPProxies(environment: ProcessInfo.processInfo.environment)
            return try HTTPClient(configuration)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
