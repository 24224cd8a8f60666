// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Telemetry
import Transport

/// Whether a response is an event stream that can be read; if not, why, with the beginning of what came instead.
enum ResponseCheck {
    /// How much of a body is quoted, and how long it is waited for.
    private static let excerptBytes = 160
    private static let excerptTime = Duration.seconds(2)

    static func check(_ response: HTTPClientResponse) async throws(ProbeError) {
        let head = response.head
        let status = Int(head.status.code)
        if (300..<400).contains(status), let location = head.headers.first(name: "location") {
            response.body.cancel()
            throw .redirect(status: status, location: Self.printable(location))
        }
        guard status == 200 else { throw .status(status, excerpt: await Self.excerpt(of: response)) }
        let type = head.headers.first(name: "content-type")
        guard let type, Self.isEventStream(type) else {
            throw .notEventStream(contentType: type.map(Self.printable), excerpt: await Self.excerpt(of: response))
        }
    }

    /// The media type without its parameters, in any case (RFC 9110 section 8.3.1).
    static func isEventStream(_ contentType: String) -> Bool {
        let essence = contentType.prefix { $0 != ";" }
        return essence.lowercased().trimmingSpaces == "text/event-stream"
    }

    /// What reads the body, by its content coding.
    static func gunzip(for head: HTTPClientResponseHead) throws(ProbeError) -> GunzipStream? {
        let coding = head.headers[canonicalForm: "content-encoding"].joined(separator: ", ").lowercased()
        switch coding {
        case "", "identity": return nil
        case "gzip", "x-gzip":
            do throws(GzipError) {
                return try GunzipStream()
            } catch {
                throw .unreadable(.compression(error))
            }
        default: throw .unknownCoding(Self.printable(coding))
        }
    }

    private static func excerpt(of response: HTTPClientResponse) async -> String {
        let timer = Task {
            try await Task.sleep(for: excerptTime)
            response.body.cancel()
        }
        defer { timer.cancel() }
        var bytes: [UInt8] = []
        var chunks = response.body.makeAsyncIterator()
        while bytes.count < excerptBytes, let chunk = try? await chunks.next(isolation: nil) {
            bytes += chunk.bytes.readableBytesView.prefix(excerptBytes - bytes.count)
        }
        response.body.cancel()
        return Self.printable(String(decoding: bytes, as: UTF8.self))
    }

    /// One line that no terminal takes for anything but text.
    static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(excerptBytes).map { scalar -> Character in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(scalars).split(separator: " ").joined(separator: " ")
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
