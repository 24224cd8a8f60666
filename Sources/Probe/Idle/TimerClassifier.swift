// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Tells from the ends of held streams which timers ended them. Pure: the same streams give the same judgement.
///
/// An idle timer ends streams at one silence whatever their age, a maximum lifetime at one age whatever their silence,
/// a shutdown at one moment whatever both. What streams *lived through* rules out the rest: a silence that bytes ended
/// was shorter than any idle timer, and an age at which bytes came is below any lifetime.
public struct TimerClassifier {
    let streams: [HeldStream]
    /// Ends in one moment come this close together.
    static let moment = 0.25
    /// Servers that end streams themselves spread their ages this far, as a share, so that not all come back at once.
    static let jitter = 0.15

    public init(_ streams: [HeldStream]) {
        self.streams = streams
    }

    public func judge() -> TimerJudgement {
        var judgement = TimerJudgement()
        var deaths = streams.compactMap(TimerDeath.init)
        let connections = takeConnectionIdle(&deaths)
        judgement.shutdowns = takeShutdowns(&deaths)
        let pauses = provenPause(besideConnections: !connections.isEmpty)
        judgement.idle.survived = pauses
        // Once bytes have stayed away, only bytes show that a stream lives.
        let isDropped = streams.contains(where: \.isSilent)
        judgement.lifetime.survived = streams.map { isDropped ? $0.provenAge : $0.age }.max() ?? 0

        judgeLifetime(&judgement, &deaths, pauses: pauses)
        judgeIdle(&judgement, &deaths, connections: connections, pauses: pauses)
        judgement.scope = scope(of: judgement, connections: connections)
        judgement.unexplained = deaths.map(\.stream)
        return judgement
    }

    /// Whether an idle timer may have ended a stream after this silence: nothing lived through a longer one. A client that
    /// was kept from reading for a moment takes the pause before for longer than it was; so much is allowed for.
    static func exceeds(_ silence: Double, _ pauses: Double) -> Bool { silence > pauses - max(0.6, pauses / 20) }

    /// The longest silence that bytes ended. With an idle timer on a whole connection, only of streams that had theirs
    /// to themselves.
    private func provenPause(besideConnections: Bool) -> Double {
        streams.lazy.filter { !besideConnections || $0.originConnection == nil }.map(\.longestPause).max() ?? 0
    }
}
