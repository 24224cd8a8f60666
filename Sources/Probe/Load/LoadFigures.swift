// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What one loop has measured: sums since the start, latencies since they were last taken.
struct LoadFigures: Sendable {
    var counts = LoadCounts()
    /// From the time that an event carries to its arrival.
    var delivery = LatencyHistogram()
    /// From when an opening was due to its head.
    var opening = LatencyHistogram()
    /// From when an opening was due to its request: how late we are ourselves, connecting included.
    var pacing = LatencyHistogram()
    /// Streams that are open, of readers, and openings under way, as of now.
    var open = 0
    var underWay = 0
    /// Since when the opening that has waited longest waits, monotonic.
    var oldestDue: Int64?

    static func + (left: LoadFigures, right: LoadFigures) -> LoadFigures {
        var sum = left
        sum.counts = left.counts + right.counts
        sum.delivery.add(right.delivery)
        sum.opening.add(right.opening)
        sum.pacing.add(right.pacing)
        sum.open += right.open
        sum.underWay += right.underWay
        sum.oldestDue = [left.oldestDue, right.oldestDue].compactMap { $0 }.min()
        return sum
    }
}

extension LoadAttacker {
    /// Hands out the figures; latencies begin anew.
    func takeFigures() -> LoadFigures {
        renewReading()
        var taken = LoadFigures()
        taken.counts = figures.pointee.counts
        taken.delivery = figures.pointee.delivery.take()
        taken.opening = figures.pointee.opening.take()
        taken.pacing = figures.pointee.pacing.take()
        for stream in streams {
            switch stream.phase {
            case .open: if stream.role == .reader { taken.open += 1 }
            case .opening:
                taken.underWay += 1
                taken.oldestDue = min(taken.oldestDue ?? .max, stream.due)
            case .idle, .leaving, .gone: break
            }
        }
        return taken
    }
}
