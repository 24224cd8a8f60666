// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import headwater

/// A value that each setting takes and that is not its default, and values that it refuses.
enum SettingSamples {
    static let good: [String: String] = [
        "host": "127.0.0.1", "port": "0", "admin-host": "::1", "admin-port": "1", "heartbeat": "0.5", "retry": "1",
        "max-stream-lifetime": "60", "slow-consumer": "skip", "slow-bytes": "2048", "slow-seconds": "1.25",
        "drain-window": "0", "channel-events": "1", "channel-bytes": "4096", "max-channels": "5",
        "channel-linger": "1", "publish-tokens": "12345678=news", "publish-rate": "0.5", "publish-max-bytes": "10",
        "cors-origins": "https://a.example,http://localhost:3000", "trusted-proxies": "10.0.0.0/8,::1",
        "proxy-protocol": "true", "tcp-user-timeout": "5", "direct-writes": "false",
        "io-uring": "false", "max-connections": "7",
        "tls-port": "0", "tls-certificate": "a.pem,b.pem", "tls-key": "a.key,b.key", "tls-client-ca": "ca.pem",
        "tls-self-signed": "true", "tls-directory": "/run/tls", "max-streams-per-connection": "50",
        "max-streams": "8", "max-streams-per-peer": "9", "header-timeout": "0.1", "body-timeout": "1",
        "keep-alive-timeout": "2", "event-loops": "3", "ready-file": "/run/headwater.json", "log-level": "debug",
        "log-format": "json", "metrics": "false", "trace-log": "true", "event-span-rate": "0", "slow-event": "0.25",
        "segment-interval": "5", "trace-comments": "true", "beacon-rate": "0.5",
    ]

    static let bad: [(key: String, value: String)] = [
        ("host", ""), ("port", "-1"), ("port", "65536"), ("port", "http"), ("port", "80.0"), ("port", " 80"),
        ("port", ""), ("heartbeat", "0.05"), ("heartbeat", "-1"), ("heartbeat", "3601"), ("heartbeat", "15s"),
        ("heartbeat", "nan"), ("heartbeat", "inf"), ("retry", "-1"), ("retry", "3s"), ("slow-consumer", "drop"),
        ("slow-consumer", "Close"), ("slow-bytes", "0"), ("slow-seconds", "0"), ("drain-window", "-0.1"),
        ("channel-events", "0"), ("channel-bytes", "1023"), ("max-stream-lifetime", "0.5"), ("publish-rate", "0"),
        ("publish-rate", "fast"), ("publish-max-bytes", "1e6"), ("cors-origins", "app.example.com"),
        ("cors-origins", "https://app.example.com/"), ("cors-origins", "*,https://a.example"),
        ("cors-origins", "https://a.example/x"), ("trusted-proxies", "10.0.0.0/33"), ("trusted-proxies", "proxy"),
        ("proxy-protocol", "yes"), ("proxy-protocol", "1"), ("max-connections", "0"), ("event-loops", "0"),
        ("event-loops", "257"), ("log-level", "verbose"), ("log-format", "xml"), ("tcp-user-timeout", "0"),
        ("publish-token-file", "/nonexistent/tokens"), ("publish-tokens", "no-pattern"),
        ("event-span-rate", "-1"), ("slow-event", "0"), ("segment-interval", "0.5"), ("beacon-rate", "0"),
        ("metrics", "on"), ("trace-log", ""), ("trace-comments", "1"),
    ]

    static func setting(_ key: String) throws -> Setting {
        try #require(SettingCatalogue.all.first { $0.key == key })
    }

    /// Runs `body` with the path of a file that holds `text`.
    static func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "headwater-test-\(UUID().uuidString).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try await body(file.path())
    }
}
