// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import FoundationEssentials

/// Files that `test_otlp_encoding.py` holds against OpenTelemetry's own classes, and the tests here against our output.
enum OracleFile {
    /// What the file holds. With `HEADWATER_WRITE_FIXTURES` set it is written anew first, for who changes the samples.
    static func bytes(_ name: String, current: [UInt8]) throws -> [UInt8] {
        let tests = "\(#filePath)".split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let path = URL(filePath: tests + "/Interop/fixtures/" + name)
        if ProcessInfo.processInfo.environment["HEADWATER_WRITE_FIXTURES"] != nil {
            try Data(current).write(to: path)
        }
        return [UInt8](try Data(contentsOf: path))
    }
}
