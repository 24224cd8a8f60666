// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import ArgumentParser
import Configuration

@main
struct Headwater: AsyncParsableCommand {
}
