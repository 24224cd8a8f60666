// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe`: the measuring client. Names its commands and nothing else.

import ArgumentParser

struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Measure, diagnose and prove the delivery of event streams on any path, of any server.",
        discussion: """
            Exit status: 0 all well; 1 a --fail-if holds; 10 coalesced, 11 buffered, 12 broken, 13 undecided (diagnose);
            64 bad arguments; 69 unreachable; 76 the answer is not an event stream.
            """,
        subcommands: [
            CompareCommand.self, MultiplexingCommand.self, DiagnoseCommand.self, IdleCommand.self, LoadCommand.self,
            WatchCommand.self,
        ]
    )
}
