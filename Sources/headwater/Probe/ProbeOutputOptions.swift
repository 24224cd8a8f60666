// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where a report goes, and when the probe fails. Shared by the commands of the probe.

import ArgumentParser
import Probe

struct ProbeOutputOptions: ParsableArguments {
    @Flag(help: "Print the report as JSON; docs/probe.md says what each field means.")
    var json = false

    @Option(help: ArgumentHelp("Write one line for each event to this file.", valueName: "file"))
    var csv: String?

    @Option(help: ArgumentHelp("Write the report with charts to this file: one page, no network.", valueName: "file"))
    var html: String?

    @Option(
        help: ArgumentHelp(
            "Fail, with exit status 1, if this holds: 'p99>50ms', 'edge.lost>0'. Repeat it.", valueName: "condition"),
        transform: { text in
            do throws(Threshold.Invalid) {
                return try Threshold(text)
            } catch {
                throw ValidationError("--fail-if: \(error)")
            }
        }
    )
    var failIf: [Threshold] = []

    @Flag(help: "No live view, only the report.")
    var quiet = false
}
