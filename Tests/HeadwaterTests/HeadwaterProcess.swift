// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import TestPrograms
import Testing

/// The built executable, run to its end.
struct HeadwaterProcess {
    let status: Int32
    let output: String
    let errors: String

    /// `HEADWATER_BIN`, or the one that was built beside the tests.
    private static func executable() throws -> URL {
        let path = ProcessInfo.processInfo.environment["HEADWATER_BIN"]
        let beside = try #require(CommandLine.arguments.first { $0.contains(".xctest") })
        let file =
            path.map { URL(filePath: $0) }
            ?? URL(filePath: beside).deletingLastPathComponent().appending(path: "headwater")
        try #require(FileManager.default.isExecutableFile(atPath: file.path()), "no executable at \(file.path())")
        return file
    }

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        process.environment = environment
        let (output, errors) = try ProgramStart.alone {
            let (output, errors) = (Pipe(), Pipe())
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            return (output, errors)
        }
        // Little is written, so that neither pipe can fill up while the other is read.
        self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        self.status = process.terminationStatus
    }
}
