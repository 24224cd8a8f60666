// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Where and how spans are sent: `OTEL_EXPORTER_OTLP_*`.
public struct OTLPSettings: Hashable, Sendable {
    /// Absolute, with the path of the signal.
    public var url = "http://localhost:4318/v1/traces"
    /// Fields of every request. They may hold secrets and are never printed.
    public var headers: [OTLPHeader] = []
    public var compression = OTLPCompression.none
    /// Of one attempt.
    public var timeout = Duration.seconds(10)
    /// Paths of PEM files, for the sender: the collector's authority, and the client's own key and certificate.
    public var certificate: String?
    public var clientKey: String?
    public var clientCertificate: String?
    public var userAgent = "OTel-OTLP-Exporter-Swift headwater"
    /// The most bytes of protobuf in a request; never above ``OTLPRequest/requestLimit``.
    var requestLimit = OTLPRequest.requestLimit

    public init() {}

    /// The URL without what it may hold for authorization, for logs.
    public var printableURL: String {
        // scheme, nothing, authority, and the rest
        var parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count > 2, let at = parts[2].lastIndex(of: "@") else { return url }
        parts[2] = parts[2][parts[2].index(after: at)...]
        return parts.joined(separator: "/")
    }

    func request(body: [UInt8], isGzip: Bool, timeout: Int64) -> OTLPRequest {
        var fields = [OTLPHeader("content-type", "application/x-protobuf"), OTLPHeader("user-agent", userAgent)]
        if isGzip { fields.append(OTLPHeader("content-encoding", "gzip")) }
        // An operator may replace the user agent, and nothing that describes the body.
        let ours = ["content-type", "content-encoding", "content-length", "transfer-encoding", "host"]
        for header in headers where !ours.contains(header.name) {
            if header.name == "user-agent" { fields.removeAll { $0.name == "user-agent" } }
            fields.append(header)
        }
        return OTLPRequest(
            url: url, headers: fields, body: body, contentEncoding: isGzip ? "gzip" : nil, timeout: timeout)
    }
}
