// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import headwater

@Suite struct DescriptorLimitTests {
    @Test(arguments: [(20_000, 19_872), (64, 16), (1_073_741_816, 10_000_000), (UInt64.max, 10_000_000)])
    func theDefaultOfConnectionsIsAlwaysAValueThatTheSettingTakes(hardLimit: UInt64, connections: Int) {
        #expect(DescriptorLimit.connections(hardLimit: hardLimit) == connections)
    }
}
