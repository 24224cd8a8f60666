// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Transport

@testable import Origin

@Suite struct DeliveryBatchTests {
    private func batch(of streams: Int, protocol: ApplicationProtocol = .http11) -> DeliveryBatch {
        var batch = DeliveryBatch()
        for _ in 0..<streams {
            batch.add(first: 5, next: 7, byteCount: 600, protocol: `protocol`, lastEventAt: 40, now: 50)
        }
        return batch
    }

    @Test func streamsThatGotTheSameAfterTheSamePauseAreCountedTogether() {
        let batch = self.batch(of: 3)
        #expect(batch.takes(first: 5, next: 7, lastEventAt: 40))
        #expect(!batch.takes(first: 4, next: 7, lastEventAt: 40))
        #expect(!batch.takes(first: 5, next: 8, lastEventAt: 40))
        #expect(!batch.takes(first: 5, next: 7, lastEventAt: 39))
        #expect(batch.streams == 3)
    }

    @Test func anEmptyBatchTakesAnythingAndAFullOneNothing() {
        #expect(DeliveryBatch().takes(first: 9, next: 10, lastEventAt: 0))
        #expect(self.batch(of: 63).takes(first: 5, next: 7, lastEventAt: 40))
        #expect(!self.batch(of: 64).takes(first: 5, next: 7, lastEventAt: 40))
    }

    @Test(arguments: [(ApplicationProtocol.http10, 2, 0, 0), (.http11, 0, 2, 0), (.http2, 0, 0, 2)])
    func streamsAreCountedByProtocol(protocol: ApplicationProtocol, http10: UInt32, http11: UInt32, http2: UInt32) {
        let batch = self.batch(of: 2, protocol: `protocol`)
        #expect((batch.http10, batch.http11, batch.http2) == (http10, http11, http2))
    }
}
