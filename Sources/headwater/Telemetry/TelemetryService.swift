// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Runs the export of spans beside the origin, and outlives it by as long as the last batch takes.

import Logging
import ServiceLifecycle
import Telemetry

struct TelemetryService: Service {
    /// What is not sent by then is lost, and said to be.
    private static let flushBound = Duration.seconds(5)

    let processor: SpanProcessor
    let isExporting: Bool
    let logger: Logger

    func run() async {
        await withGracefulShutdownHandler {
            await self.processor.run()
        } onGracefulShutdown: {
            Task { await self.processor.shutDown(within: Self.flushBound) }
        }
        let lost = self.processor.counts[dropped: .shutdown]
        guard lost > 0, self.isExporting else { return }
        self.logger.warning("spans lost at the end", metadata: ["spans": "\(lost)"])
    }
}
