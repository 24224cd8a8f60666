// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What `headwater serve` needs to run: the origin's settings and the process's own.

import Logging
import NIOCore
import Origin

struct ServeConfiguration: Sendable {
    enum LogFormat: String, CaseIterable {
        /// Text on a terminal, JSON otherwise.
        case auto
        case text
        case json
    }

    var origin = OriginConfiguration()
    var eventLoops = System.coreCount
    var readyFile: String?
    /// Paths, as many keys as certificates.
    var tlsCertificates: [String] = []
    var tlsKeys: [String] = []
    var tlsClientAuthorities: String?
    var tlsSelfSigned = false
    var tlsDirectory = "headwater-tls"
    /// Print ended spans.
    var traceLog = false
    /// Spans of single events a second.
    var eventSpanRate = 2000.0
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.auto
}
