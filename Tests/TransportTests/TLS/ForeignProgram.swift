// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import TestPrograms

/// Runs a foreign program and waits for its end without holding a thread of the test's executor.
struct ForeignProgram {
    struct Result: Sendable {
        let status: Int32
        /// Standard output and standard error, as they came.
        let output: String
    }

    struct Failure: Error {
        let program: String
        let result: Result
    }

    /// - Parameters:
    ///   - input: Sent to standard input, which ends after it.
    ///   - environment: Added to the own environment.
    static func run(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:]
    ) async throws -> Result {
        try await onOwnThread { try runBlocking(program, arguments, input: input, environment: environment) }
    }

    /// For fixtures, which are made once.
    static func runBlocking(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:]
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        let (output, stdin) = try ProgramStart.alone {
            let (output, stdin) = (Pipe(), Pipe())
            process.standardOutput = output
            process.standardError = output
            process.standardInput = stdin
            try process.run()
            return (output, stdin)
        }
        // A program that hangs must fail its test, not hang the run.
        let watchdog = DispatchWorkItem { [pid = process.processIdentifier] in kill(pid, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 30, execute: watchdog)
        defer { watchdog.cancel() }
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self))
    }
}

/// A foreign server: runs until it is stopped.
final class ForeignServer {
    /// The port that it printed.
    let port: Int
    private let process: Process

    /// Starts the program and waits for a line `ACCEPT 127.0.0.1:PORT`.
    init(_ program: String, _ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let reader = try ProgramStart.alone {
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            process.standardInput = Pipe()
            try process.run()
            return output.fileHandleForReading
        }
        let announced: (text: String, port: Int?) = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var text = ""
                while true {
                    let bytes = reader.availableData
                    text += String(decoding: bytes, as: UTF8.self)
                    let port = text.firstMatch(of: /ACCEPT 127\.0\.0\.1:([0-9]+)\n/).flatMap { Int($0.1) }
                    if port != nil || bytes.isEmpty {
                        continuation.resume(returning: (text, port))
                        break
                    }
                }
                // Read on, or the server blocks when the pipe is full.
                while !reader.availableData.isEmpty {}
            }
        }
        guard let port = announced.port else {
            throw ForeignProgram.Failure(program: program, result: .init(status: -1, output: announced.text))
        }
        self.process = process
        self.port = port
    }

    /// By SIGKILL, which is the only signal that works: children inherit the signal mask of the thread that starts
    /// them, and the threads of Dispatch and of Swift's executors block SIGTERM and SIGALRM (so `timeout` is of no
    /// use either).
    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}
