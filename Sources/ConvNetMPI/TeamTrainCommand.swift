// SPDX-License-Identifier: MIT
//
// convnet-mpi train: convnet train as one rank of many.

import ConvNet
import ConvNetCommands
import ConvNetDistributed
import ConvNetOptions
import Foundation

enum TeamTrainCommand: Command {
    static let name = TrainCommand.name
    static let summary = "Trains a network on all ranks together and writes its parameters."
    static let operands = ""
    static let example =
        "mpirun -n 4 convnet-mpi train --data mnist --epochs 3 --seed 1 --out digits.safetensors"
    static let options =
        TrainCommand.options + [
            Option("bucket-size", "BYTES", "How much of the gradients travels together; 1048576.")
        ]

    static func run(_ options: Options) throws {
        let bucket = try options.int("bucket-size", atLeast: 1 << 12) ?? 1 << 20
        guard bucket <= 1 << 30 else {
            throw UsageError("--bucket-size is \(bucket), expected at most \(1 << 30)")
        }
        Rank.checkpoint = options.string("checkpoint") ?? options.string("resume")
        let averager = try MPIAverager(
            bucketByteCount: bucket, watch: Rank.watch, onFailure: Rank.end(because:))
        Rank.number = averager.rank
        do {
            try TrainCommand.run(options, as: member(averager))
        } catch {
            guard Rank.isCommon(error) else { throw error }
            // All ranks are here with the same error: one reports it, and they end in order.
            if Rank.isTeller(of: error) { Rank.say(CommandLineTool.line(for: error)) }
            try? averager.end()
            exit(CommandLineTool.status(for: error))
        }
        try averager.end()
    }

    private static func member(_ averager: MPIAverager) -> TeamMember {
        TeamMember(
            averager: averager, standardThreads: standardThreads(averager),
            tool: "mpirun -n \(averager.rankCount) convnet-mpi",
            identity: ["version": CommandLineTool.version, "build": Rank.build]
        ) {
            let time = averager.communicationTime
            return TeamMember.Communication(seconds: time.underWay, waited: time.waited)
        }
    }

    /// The rank's share of the processors, or of what OMP_NUM_THREADS or a control group leaves.
    private static func standardThreads(_ averager: MPIAverager) -> Int {
        let alone = NativeKernels().threads
        if getenv("OMP_NUM_THREADS") != nil { return alone }
        guard alone < averager.processorCount else { return averager.threadShare }
        // A quota holds for all processes of the group together.
        return max(min(alone / averager.localRankCount, averager.threadShare), 1)
    }
}
