// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

@testable import Origin

/// A channel for tests that need one and do not look at it. In a file without NIOCore, whose `Channel` is another.
struct SubscribedChannel {
    let channel: Channel

    init() {
        self.channel = Channel(
            key: .synthetic(SyntheticParameters()),
            epoch: .random(),
            log: FramedLog(maximumMessages: 1, maximumBytes: 1),
            home: nil,
            audience: ChannelAudience(),
            now: 0
        )
    }
}
