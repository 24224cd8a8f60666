// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// File descriptors of a load test: every connection is one.

import ArgumentParser
import Probe

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension DescriptorLimit {
    /// Raises the soft limit to the hard one, and refuses a plan that cannot fit.
    static func raise(for plan: LoadPlan) throws {
        // A peer that is gone must be an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let needed = plan.fewestConnections
        guard needed > connections else { return }
        throw ValidationError(
            "\(needed) connections need more file descriptors than the limit of \(limit.rlim_max) allows: raise it "
                + "(ulimit -Hn), ask for fewer streams, or put more on a connection with --protocol h2")
    }
}
