// SPDX-License-Identifier: MIT
//
// What a rank says about itself and the others, and how it ends where the others can't go on.

import ConvNet
import ConvNetCommands
import ConvNetOptions
import Foundation
import Synchronization

enum Rank {
    private static let state = Mutex<State>(State())

    private struct State {
        var number: Int?
        var checkpoint: String?
        var asked: ContinuousClock.Instant?
        var hasTold = false
    }

    /// This rank's number; nil until it has one.
    static var number: Int? {
        get { state.withLock { $0.number } }
        set { state.withLock { $0.number = newValue } }
    }

    /// The file that rank 0 keeps checkpoints in.
    static var checkpoint: String? {
        get { state.withLock { $0.checkpoint } }
        set { state.withLock { $0.checkpoint = newValue } }
    }

    /// A hash of the program: ranks that run another one, or an older one, would compute other
    /// bits.
    static var build: String {
        var hash = ContentHash()
        guard let program = try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe")) else {
            return "unknown"
        }
        program.withUnsafeBytes { hash.add($0) }
        return hash.text
    }

    /// Prints something on standard error, with the number of the rank.
    static func say(_ text: String) {
        let rank = number.map { "rank \($0): " } ?? ""
        FileHandle.standardError.write(Data("convnet-mpi: \(rank)\(text)\n".utf8))
    }

    /// Whether an error comes to all ranks at the same place.
    static func isCommon(_ error: any Error) -> Bool {
        error is RankDifference || error is Divergence || error is Interruption
    }

    /// Whether this rank is to report an error that all have: the first one, and the one it is
    /// about.
    static func isTeller(of error: any Error) -> Bool {
        number == 0 || (error as? RankDifference)?.rank == number
    }

    /// Ends this rank where nothing more can be shared. It may be computing or writing: a
    /// checkpoint that is not yet whole never takes the place of the last one.
    @Sendable static func end(because error: any Error) {
        say("\(CommandLineTool.line(for: error)); training stops\(whereToGoOn)")
        // All others are to find the rank that ended first, not this one: they look every 50 ms.
        // mpirun gives them a second.
        usleep(500_000)
        _exit(1)
    }

    /// Reports, once, having been asked to end when the step does not end soon: mpirun, which asks
    /// when another rank has ended, waits for a second.
    @Sendable static func watch() {
        guard StopSignals.request.isRequested else { return }
        let tells = state.withLock { state in
            let asked = state.asked ?? .now
            state.asked = asked
            guard !state.hasTold, ContinuousClock.now - asked > .milliseconds(300) else {
                return false
            }
            state.hasTold = true
            return true
        }
        if tells {
            say(
                "asked to end, as mpirun asks when it is stopped or another rank has ended"
                    + whereToGoOn)
        }
    }

    private static var whereToGoOn: String {
        checkpoint.map { "; --resume \($0) goes on from the last checkpoint" } ?? ""
    }
}
