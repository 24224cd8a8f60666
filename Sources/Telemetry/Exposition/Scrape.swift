// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The answer to one scrape: what a server sends with status 200, whatever HTTP it speaks.
///
/// The answer depends on the two headers, so it is sent with `Vary: Accept, Accept-Encoding`.
public struct Scrape: Sendable {
    /// The value of `Content-Type`.
    public let contentType: String
    /// The value of `Content-Encoding`, if the body is compressed.
    public let contentEncoding: String?
    public let body: [UInt8]

    /// - Parameters:
    ///   - families: As ``MetricRegistry/collect()`` gives them.
    ///   - accept: All values of the request's `Accept`, in their order.
    ///   - acceptEncoding: All values of the request's `Accept-Encoding`, in their order.
    public init(_ families: [MetricFamilySamples], accept: [String], acceptEncoding: [String]) {
        let format = ExpositionFormat.negotiate(accept: accept)
        let rendered = Exposition.render(families, as: format)
        contentType = format.contentType
        let coding = ExpositionCoding.negotiate(acceptEncoding: acceptEncoding)
        // The level that costs least: the text shrinks to a twentieth as it is. Without memory the body goes as it is.
        if coding == .gzip, let compressed = try? Gzip.compress(rendered, level: .fastest) {
            contentEncoding = coding.contentEncoding
            body = compressed
        } else {
            contentEncoding = nil
            body = rendered
        }
    }
}

extension MetricRegistry {
    /// Collects, renders and compresses. This runs where Swift runs asynchronous functions and on no event loop.
    public func scrape(accept: [String], acceptEncoding: [String]) async -> Scrape {
        Scrape(await collect(), accept: accept, acceptEncoding: acceptEncoding)
    }
}
