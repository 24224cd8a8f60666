// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The executable's entry: names the commands and nothing else.

import ArgumentParser

@main
struct HeadwaterCommand: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "headwater",
        abstract: "A Server-Sent Events origin that you can see through.",
        version: version,
        subcommands: [ServeCommand.self, ProbeCommand.self, ConfigCommand.self]
    )
}
