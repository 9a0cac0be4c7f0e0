// SPDX-License-Identifier: MIT
//
// Ranks that die, that differ, and that are asked to stop.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

extension MPITests {
    @Suite struct Faults {
        /// A hundred steps an epoch.
        private static let training = [
            "train", "--limit", "400", "--batch-size", "4", "--epochs", "2", "--threads", "1",
        ]

        private static let whole = Result {
            try withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("p")
                let run = try MPIRun.run(
                    ranks: 1, training + ["--out", file.path], in: folder)
                try #require(run.status == 0, "\(run)")
                return try Data(contentsOf: file)
            }
        }

        /// Arguments that keep checkpoints, and the files.
        private static func files(
            in folder: URL, every: String
        ) -> (checkpoint: URL, out: URL, arguments: [String]) {
            let (checkpoint, out) = (
                folder.appendingPathComponent("c"), folder.appendingPathComponent("p")
            )
            return (
                checkpoint, out,
                training + [
                    "--checkpoint", checkpoint.path, "--checkpoint-every", every, "--out", out.path,
                ]
            )
        }

        /// The job ends, each rank says why, the checkpoint is whole, and another number of ranks
        /// goes on from it to the same bytes.
        @Test(arguments: [(ranks: 3, killed: 1, then: 2), (ranks: 2, killed: 0, then: 4)])
        func aRankIsKilled(_ ranks: Int, _ killed: Int, _ then: Int) throws {
            try withTemporaryFolder { folder in
                let (checkpoint, out, arguments) = Self.files(in: folder, every: "3")
                let run = try MPIRun([(ranks, arguments, [])], in: folder)
                run.wait { FileManager.default.fileExists(atPath: checkpoint.path) }
                let process = try #require(run.processOfRank(killed), "\(run)")
                kill(process, SIGKILL)
                run.process.waitUntilExit()
                #expect(run.status != 0)
                for rank in 0..<ranks where rank != killed {
                    #expect(
                        run.error.contains(
                            "convnet-mpi: rank \(rank): rank \(killed), process \(process), has ended "
                                + "before the work was done; training stops; --resume "
                                + "\(checkpoint.path) goes on from the last checkpoint\n"),
                        "\(run)")
                }
                #expect(!FileManager.default.fileExists(atPath: out.path))
                #expect(try Checkpoint(contentsOf: checkpoint).progress.steps % 3 == 0)

                let resumed = try MPIRun.run(
                    ranks: then, arguments + ["--resume", checkpoint.path], in: folder)
                try #require(resumed.status == 0, "\(resumed)")
                #expect(try Data(contentsOf: out) == Self.whole.get(), "\(resumed)")
            }
        }

        /// SIGTERM at one rank: all finish the step, rank 0 writes a checkpoint and says how to go
        /// on.
        @Test func aRankIsAskedToStop() throws {
            try withTemporaryFolder { folder in
                let (checkpoint, out, arguments) = Self.files(in: folder, every: "5")
                let run = try MPIRun([(3, arguments, [])], in: folder)
                run.wait { FileManager.default.fileExists(atPath: checkpoint.path) }
                kill(try #require(run.processOfRank(2), "\(run)"), SIGTERM)
                run.process.waitUntilExit()
                #expect(run.status == 143, "\(run)")
                #expect(
                    run.error.contains("; go on with: mpirun -n 3 convnet-mpi train --limit 400 "),
                    "\(run)")
                #expect(!FileManager.default.fileExists(atPath: out.path))

                let resumed = try MPIRun.run(
                    ranks: 2, arguments + ["--resume", checkpoint.path], in: folder)
                #expect(try Data(contentsOf: out) == Self.whole.get(), "\(resumed)")
            }
        }

        /// All ranks find out together, one reports it, and what it says works.
        @Test func trainingDiverges() throws {
            try withTemporaryFolder { folder in
                let checkpoint = folder.appendingPathComponent("c").path
                let training = [
                    "train", "--limit", "40", "--batch-size", "10", "--threads", "1",
                    "--optimizer", "sgd", "--checkpoint", checkpoint, "--checkpoint-every", "1",
                ]
                let first = try MPIRun.run(ranks: 2, training + ["--epochs", "1"], in: folder)
                try #require(first.status == 0, "\(first)")
                let run = try MPIRun.run(
                    ranks: 3,
                    training + [
                        "--epochs", "2", "--learning-rate", "1e30", "--override", "learning-rate",
                        "--resume", checkpoint,
                    ], in: folder)
                #expect(run.status == 1, "\(run)")
                let told = run.error.split(separator: "\n").filter { $0.hasPrefix("convnet-mpi: ") }
                #expect(told.count == 1, "\(run)")
                let line = try #require(told.first)
                #expect(
                    line.hasPrefix(
                        "convnet-mpi: rank 0: training: the loss is NaN in step 2 of epoch 2, "),
                    "\(run)")
                let advice =
                    "go on from the last good checkpoint with: mpirun -n 3 convnet-mpi "
                    + "train --limit 40 --batch-size 10 --threads 1 --optimizer sgd "
                    + "--checkpoint-every 1 --epochs 2 --learning-rate 0.01 --override "
                    + "learning-rate --resume \(checkpoint).1 --checkpoint \(checkpoint)"
                #expect(line.hasSuffix(advice), "\(run)")
                let arguments = advice.split(separator: " convnet-mpi ")[1].split(separator: " ")
                let again = try MPIRun.run(ranks: 3, arguments.map(String.init), in: folder)
                #expect(again.status == 0, "\(again)")
            }
        }

        /// What the second of two ranks does differently, and what is reported.
        private static let differences: [(arguments: [String], line: String)] = [
            (["--seed", "2"], "seed is 2, expected 1"),
            (["--limit", "39"], "samples is 39, expected 40"),
            (["--initialization", "he"], "parameters is "),
            (["--optimizer", "sgd"], "optimizer is sgd, expected adam"),
            (["--epochs", "4"], "epochs is 4, expected 3"),
        ]

        @Test(arguments: differences.indices) func aRankDiffers(_ place: Int) throws {
            let (arguments, line) = Self.differences[place]
            try Self.expectDifference(arguments, "A=1", line)
        }

        @Test(.enabled(if: InstructionSet.supported.count > 1, "there is one instruction set"))
        func aRankHasAnotherInstructionSet() throws {
            try Self.expectDifference(
                [], "CONVNET_ISA=portable", "instructionSet is portable, expected ")
        }

        private static func expectDifference(
            _ arguments: [String], _ environment: String, _ line: String
        ) throws {
            try withTemporaryFolder { folder in
                let training = ["train", "--shards", "8"]
                let small = arguments.contains("--limit") ? [] : ["--limit", "40"]
                let run = try MPIRun(
                    [
                        (1, training + ["--limit", "40"], ["A=1"]),
                        (1, training + small + arguments, [environment]),
                    ], in: folder)
                run.process.waitUntilExit()
                #expect(run.status == 1, "\(run)")
                for rank in 0..<2 {
                    let start = "convnet-mpi: rank \(rank): rank 1 differs from rank 0: "
                    let told = run.error.split(separator: "\n").first { $0.hasPrefix(start) }
                    #expect(told?.contains(line) == true, "\(run)")
                }
                #expect(!run.output.contains("\nepoch"))
            }
        }

        /// A program that differs by a byte, which is never run.
        @Test func aRankRunsAnotherBuild() throws {
            try withTemporaryFolder { folder in
                let copy = folder.appendingPathComponent("convnet-mpi")
                var program = try Data(contentsOf: URL(fileURLWithPath: MPIRun.executable))
                program.append(0)
                try program.write(to: copy)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: copy.path)
                let training = ["train", "--limit", "40"]
                let run = try MPIRun(
                    [(1, training, []), (1, training, [])], in: folder,
                    executables: [MPIRun.executable, copy.path])
                run.process.waitUntilExit()
                #expect(run.status == 1, "\(run)")
                #expect(run.error.contains("rank 1 differs from rank 0: build is "), "\(run)")
            }
        }

        @Test func moreRanksThanShardsAreRefused() throws {
            try withTemporaryFolder { folder in
                let run = try MPIRun.run(
                    ranks: 3, ["train", "--limit", "40", "--shards", "2"], in: folder)
                #expect(run.status == 2, "\(run)")
                #expect(
                    run.error.contains("--shards is 2, expected at least one for each of 3 ranks"),
                    "\(run)")
            }
        }
    }
}
