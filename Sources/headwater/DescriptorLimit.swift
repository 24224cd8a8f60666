// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// File descriptors: every connection is one. The soft limit is raised to the hard one, and the limit of connections
// kept below it, so that an origin that is full says so instead of failing to accept.

import Logging
import Origin

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum DescriptorLimit {
    /// For listeners, event loops, logs and files.
    static let reserve = 128

    /// The most connections that `max-connections` can be set to.
    static let mostConnections = 10_000_000

    /// The hard limit of this process, less the reserve.
    static var connections: Int { self.connections(hardLimit: UInt64(self.current.rlim_max)) }

    /// Containers and service managers may say "infinity", which is a number far above what the setting allows.
    static func connections(hardLimit: UInt64) -> Int {
        max(16, Int(min(hardLimit, UInt64(self.mostConnections + self.reserve))) - self.reserve)
    }

    static func prepare(for configuration: ServeConfiguration, logger: Logger) {
        self.raise()
        if configuration.origin.maximumConnections > self.connections {
            logger.warning(
                "max-connections is above what the file descriptor limit allows; raise the limit (ulimit -n)",
                metadata: [
                    "max_connections": "\(configuration.origin.maximumConnections)", "allowed": "\(self.connections)",
                ]
            )
        }
    }

    /// Raises the soft limit to the hard one, and makes a peer that is gone an error of the write, not the end of the
    /// process.
    static func raise() {
        signal(SIGPIPE, SIG_IGN)
        var limit = self.current
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }

    private static var current: rlimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }
}
