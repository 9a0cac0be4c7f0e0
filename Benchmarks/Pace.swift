// SPDX-License-Identifier: MIT
//
// How thorough a run is.

/// How often and how long each case is timed, and how much of it the reference does.
struct Pace: Equatable {
    /// The rounds over all cases.
    var rounds: Int
    /// Seconds of runs for a case in a round.
    var secondsPerRound: Double
    /// About how many multiply-adds or moves the reference may spend on one case. What is compared
    /// follows from that and the sizes, never from a clock: it is the same on every machine.
    var referenceBudget: Int
    /// Seconds after which no more rounds begin. The first one is always whole.
    var secondsForAll = Double.infinity

    /// In four minutes on two cores: on a slower machine, and with others beside it, fewer rounds.
    static let standard = Pace(
        rounds: 4, secondsPerRound: 0.3, referenceBudget: 60_000_000, secondsForAll: 180)
    /// For a look, and for continuous integration.
    static let quick = Pace(rounds: 2, secondsPerRound: 0.1, referenceBudget: 30_000_000)
    /// Of every case, as much as there is patience for.
    static let full = Pace(rounds: 4, secondsPerRound: 0.4, referenceBudget: 300_000_000)

    /// So many samples for the guard, each of a length that the sampler knows.
    ///
    /// - Parameter isThorough: for a baseline and for suspects.
    func guarding(quick: Bool, isThorough: Bool) -> Pace {
        var pace = self
        pace.rounds = Sampler.rounds(quick: quick) * (isThorough ? 2 : 1)
        pace.secondsForAll = .infinity
        return pace
    }
}
