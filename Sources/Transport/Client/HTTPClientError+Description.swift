// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One sentence for each error: what happened, then what to do.

extension HTTPClientError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidRequest(let reason): "the request cannot be sent: \(reason)"
        case .proxy(let reason): "the proxy cannot be used: \(reason)"
        case .nameNotResolved(let host, let reason):
            "\(host) cannot be resolved: \(reason); check the spelling and the resolver (/etc/resolv.conf)"
        case .refused(let addresses):
            "\(addresses) refused the connection: check that the server runs and listens on this port"
        case .unreachable(let addresses, let reason):
            "\(addresses) cannot be reached: \(reason); check route, firewall and address"
        case .timedOut(let step, let seconds): "\(step.failure) within \(seconds) s: \(step.advice)"
        case .tunnelRefused(let proxy, let status):
            "the proxy \(proxy) answered CONNECT with \(status): "
                + (status == 407 ? "give it user and password in its URL" : "check what it allows, or set NO_PROXY")
        case .tls(let error): "TLS failed: \(error)"
        case .tlsNotConfigured: "this client was made without TLS: use http://, or configure TLS"
        case .protocolMismatch(let wanted, let got):
            "the server does not speak \(wanted) here, but \(got): ask for another protocol or port"
        case .notHTTP(let bytes):
            "the server's answer is not HTTP, it begins with \"\(bytes)\": check scheme and port"
        case .malformed(let reason): "the response breaks the protocol (\(reason)): look at what produced it"
        case .headTooLarge(let limit): "the response head exceeds \(limit) bytes: look at its cookies and fields"
        case .tooManyInformational(let limit): "more than \(limit) responses of 1xx: the server is broken"
        case .bodyTooLarge(let limit): "the response body exceeds \(limit) bytes: raise the bound if it should be so"
        case .busy: "the connection is in use: wait for its response, or open another"
        case .streamLimit(let limit): "the server allows \(limit) streams per connection: open another connection"
        case .connectionClosing: "the connection takes no more requests: open another"
        case .ended(let end, let progress): "the connection ended \(progress.words): \(end)"
        case .streamReset(let code, let progress): "the server reset the stream with \(code) \(progress.words)"
        case .notProcessed(let goAway):
            "the server is going away (\(goAway.code)) and did not process the request: send it again"
        case .cancelled: "the request was cancelled"
        }
    }
}

extension HTTPResponseProgress {
    fileprivate var words: String {
        switch self {
        case .nothing: "before any byte of the response"
        case .partialHead: "within the response head"
        case .body: "within the response body"
        }
    }
}

extension HTTPClientStep {
    fileprivate var failure: String {
        switch self {
        case .resolve: "no answer from the resolver"
        case .connect: "no TCP connection"
        case .tunnel: "no answer of the proxy to CONNECT"
        case .handshake: "no complete TLS handshake"
        case .settings: "no HTTP/2 SETTINGS from the server"
        case .responseHead: "no response head"
        case .response: "no complete response"
        }
    }

    fileprivate var advice: String {
        switch self {
        case .resolve: "check the resolver (/etc/resolv.conf)"
        case .connect: "check address and firewall, which may drop packets silently"
        case .tunnel: "check that the proxy can reach the server"
        case .handshake: "check that the port speaks TLS"
        case .settings: "the server may not speak HTTP/2 on this port"
        case .responseHead, .response: "the server is slow or holds the answer back; raise the bound if it should be so"
        }
    }
}
