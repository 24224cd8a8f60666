// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What Linux tells about this process in `/proc`, as far as the standard process metrics need it (proc(5)).
///
/// Pure functions of the files' texts: reading them is ``ProcessMetrics``'s.
struct ProcessStatus: Equatable {
    let threads: Int64
    let virtualBytes: UInt64
    let residentPages: UInt64
    /// In clock ticks since the machine started.
    let startTicks: UInt64

    /// Reads `/proc/self/stat`. The second field is the program's name in parentheses, which may hold anything,
    /// parentheses and line feeds too: what counts begins after the last one.
    init?(stat: String) {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split { $0 == " " || $0 == "\n" }
        // The first of these is field 3, the state.
        func field<Number: FixedWidthInteger>(_ number: Int) -> Number? {
            number - 3 < fields.count ? Number(fields[number - 3]) : nil
        }
        guard let threads: Int64 = field(20), let startTicks: UInt64 = field(22),
            let virtualBytes: UInt64 = field(23), let residentPages: UInt64 = field(24)
        else { return nil }
        self.threads = threads
        self.startTicks = startTicks
        self.virtualBytes = virtualBytes
        self.residentPages = residentPages
    }

    /// The Unix time in seconds at which the machine started, from `/proc/stat`.
    static func bootTime(stat: String) -> UInt64? {
        stat.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { UInt64($0.dropFirst("btime ".count)) }
    }
}
