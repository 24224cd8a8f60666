// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// How a stream was ended by the other side, as the client sees it. Evidence: the same hop ends streams alike for its
/// idle timer, its maximum lifetime and a shutdown.
public enum StreamCut: Sendable, Hashable {
    /// The server ended the response as HTTP has it: it is whole.
    case complete
    /// The end of a connection whose response has no length.
    case untilClose
    /// TCP FIN, or TLS close_notify, within the response.
    case closed
    /// TCP RST.
    case reset
    /// HTTP/2 RST_STREAM.
    case streamReset(HTTP2ErrorCode)
    /// HTTP/2 GOAWAY and the end of the connection.
    case goAway(HTTP2ErrorCode)
    /// Nobody closed; the kernel gave up.
    case network(Int32)
    /// An answer of an intermediary within the stream, HTML as a rule, and then an end.
    case page
    /// A fault of the response itself.
    case fault(String)

    /// - Parameter hasPage: lines in the stream that no event stream has look like a web page.
    init?(_ ending: StreamEnding, hasPage: Bool) {
        switch ending {
        case .stopped: return nil
        case _ where hasPage: self = .page
        case .complete: self = .complete
        case .untilClose: self = .untilClose
        case .failed(.connection(.streamReset(let code, _))): self = .streamReset(code)
        case .failed(.connection(.notProcessed(let goAway))): self = .goAway(goAway.code)
        case .failed(.connection(.ended(let end, _))): self.init(end)
        case .failed(let error): self = .fault("\(error)")
        }
    }

    private init(_ end: HTTPConnectionEnd) {
        if let goAway = end.goAway {
            self = .goAway(goAway.code)
            return
        }
        switch end.cause {
        case .fin, .closeNotify, .truncatedTLS: self = .closed
        case .reset: self = .reset
        case .network(let code): self = .network(code)
        case .local, .tls, .violation: self = .fault("\(end)")
        }
    }

    /// Whether lines that are no event stream's are part of a web page.
    static func isPage(_ lines: [String]) -> Bool {
        lines.contains { line in
            let line = line.lowercased()
            return line.contains("<html") || line.contains("<!doctype") || line.contains("<head>")
        }
    }
}

extension StreamCut: CustomStringConvertible {
    public var description: String {
        switch self {
        case .complete: "ended whole by the server"
        case .untilClose: "connection closed, and the response has no length"
        case .closed: "connection closed (FIN)"
        case .reset: "connection reset (RST)"
        case .streamReset(let code): "RST_STREAM \(code)"
        case .goAway(let code): "GOAWAY \(code)"
        case .network(let code): "given up by the network (errno \(code))"
        case .page: "a web page within the stream, then its end"
        case .fault(let reason): reason
        }
    }
}
