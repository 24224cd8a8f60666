// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Workloads

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What callgrind counts, by the name of its symbol: everything below here, and nothing else.
@inline(never)
@_silgen_name("headwater_measured")
func measured(_ workload: any Workload, _ steps: Int) -> Int { workload.run(steps) }

/// Ends the process with a message that `Benchmarks/micro` passes on.
func complain(_ message: String) -> Never {
    let text = Array("\(message)\n".utf8)
    _ = write(2, text, text.count)
    exit(1)
}
