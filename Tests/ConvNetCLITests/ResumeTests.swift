// SPDX-License-Identifier: MIT
//
// Training that is killed, with real signals sent to the real command, and resumed: the parameters
// are the same bytes as without the break.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite struct ResumeTests {
    /// A hundred steps an epoch, with everything that draws random numbers. A page of a pipe holds
    /// 80 lines: a training that is stopped by step 110 is not through.
    private static let training = [
        "train", "--limit", "400", "--batch-size", "4", "--epochs", "2", "--augment",
        "shift,rotate,crop,flip", "--schedule", "cosine", "--clip", "norm:1", "--json", "--steps",
    ]
    private static let stepCount = 200

    private static func steps(_ output: String) -> Int {
        output.split(separator: "\n").count { $0.contains("\"step\":") }
    }

    /// What training gives when nothing interrupts it.
    private static let whole = Result {
        try withTemporaryFolder { folder in
            let (file, history) = (
                folder.appendingPathComponent("p"), folder.appendingPathComponent("h")
            )
            let run = try Tool.run(
                training + ["--out", file.path, "--history", history.path, "--threads", "2"])
            try #require(run.status == 0, "\(run)")
            #expect(steps(run.output) == stepCount)
            return (
                parameters: try Data(contentsOf: file),
                history: try TrainingHistory(jsonData: Data(contentsOf: history))
            )
        }
    }

    /// A training in a folder of its own that is stopped again and again.
    private struct Interrupted {
        let folder: URL
        let every: String
        var checkpoint: URL { folder.appendingPathComponent("c") }
        var out: URL { folder.appendingPathComponent("out") }
        var history: URL { folder.appendingPathComponent("history") }

        /// The arguments that begin, or go on where there is a checkpoint.
        func arguments(threads: Int) -> [String] {
            var arguments =
                ResumeTests.training + [
                    "--checkpoint", checkpoint.path, "--checkpoint-every", every, "--threads",
                    "\(threads)", "--out", out.path, "--history", history.path,
                ]
            if FileManager.default.fileExists(atPath: checkpoint.path) {
                arguments += ["--resume", checkpoint.path]
            }
            return arguments
        }

        func start(threads: Int) throws -> RunningProgram {
            try RunningProgram(arguments(threads: threads), in: folder)
        }

        /// Files of a write that has begun and not ended.
        var unfinished: [String] {
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
            return (names ?? []).filter { $0.hasSuffix(".tmp") }
        }

        /// Trains to the end, and expects what uninterrupted training gives.
        func expectTheSameEnd(threads: Int) throws {
            let run = try Tool.run(arguments(threads: threads))
            try #require(run.status == 0, "\(run)")
            let whole = try ResumeTests.whole.get()
            #expect(try Data(contentsOf: out) == whole.parameters, "\(run)")
            let history = try TrainingHistory(jsonData: Data(contentsOf: history))
            #expect(history.stepLosses == whole.history.stepLosses)
            #expect(history.epochs.map(\.testAccuracy) == whole.history.epochs.map(\.testAccuracy))
            #expect(history.epochs.map(\.meanLoss) == whole.history.epochs.map(\.meanLoss))
        }
    }

    /// Before the first checkpoint, between two, in the evaluation after an epoch, in the second
    /// epoch.
    @Test(arguments: [(1, "150"), (20, "7"), (100, "1"), (100, "20"), (110, "3")])
    func killedAfterAStepAndResumed(_ steps: Int, _ every: String) throws {
        try withTemporaryFolder { folder in
            let training = Interrupted(folder: folder, every: every)
            let tool = try training.start(threads: 1)
            tool.wait { Self.steps(tool.output) >= steps }
            tool.send(SIGKILL)
            tool.wait()
            try #require(tool.process.terminationReason == .uncaughtSignal, "\(tool.error)")
            try training.expectTheSameEnd(threads: 2)
        }
    }

    /// Stops it at any moment and looks whether it is writing; if so, kills it there.
    @Test func killedWhileItWritesACheckpointAndResumed() throws {
        try withTemporaryFolder { folder in
            let training = Interrupted(folder: folder, every: "1")
            for threads in [2, 1] {
                let before = Set(training.unfinished)
                let tool = try training.start(threads: threads)
                // Where there is one already, the next write has something to replace.
                tool.wait { FileManager.default.fileExists(atPath: training.checkpoint.path) }
                while tool.process.isRunning {
                    tool.send(SIGSTOP)
                    if !Set(training.unfinished).subtracting(before).isEmpty { break }
                    tool.send(SIGCONT)
                    tool.drain()
                    usleep(200)
                }
                tool.send(SIGKILL)
                tool.wait()
                try #require(tool.process.terminationReason == .uncaughtSignal, "\(tool.error)")
                #expect(training.unfinished.count == before.count + 1)
            }
            try training.expectTheSameEnd(threads: 3)
        }
    }

    /// Killed and resumed until it is through, a few steps at a time.
    @Test func killedAgainAndAgain() throws {
        try withTemporaryFolder { folder in
            let training = Interrupted(folder: folder, every: "3")
            for kill in 0..<4 {
                let tool = try training.start(threads: 1 + kill % 2)
                tool.wait { Self.steps(tool.output) >= 10 + kill }
                tool.send(SIGKILL)
                tool.wait()
                try #require(tool.process.terminationReason == .uncaughtSignal, "\(tool.error)")
            }
            try training.expectTheSameEnd(threads: 2)
        }
    }

    /// Ctrl-C: the step is finished, the checkpoint written, and the command to resume is printed.
    @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
    func askedToStopItSaysHowToGoOn(_ signal: Int32, _ status: Int32) throws {
        try withTemporaryFolder { folder in
            let training = Interrupted(folder: folder, every: "1000")
            let tool = try training.start(threads: 2)
            tool.wait { Self.steps(tool.output) >= 3 }
            tool.send(signal)
            tool.wait()
            #expect(tool.process.terminationReason == .exit)
            #expect(tool.process.terminationStatus == status, "\(tool.output)\(tool.error)")
            let lines = tool.output.split(separator: "\n")
            #expect(lines.contains { $0.contains("\"interrupted\":true") }, "\(tool.output)")
            let taken = Self.steps(tool.output)
            let pattern =
                /convnet: stopped in epoch (\d) after step (\d+); go on with: convnet (.*)\n/
            let match = try #require(tool.error.wholeMatch(of: pattern), "\(tool.error)")
            let (epoch, step) = (Int(match.1) ?? 0, Int(match.2) ?? 0)
            #expect((epoch - 1) * 100 + step == taken)
            #expect(
                match.3.split(separator: " ").map(String.init)
                    == training.arguments(threads: 2))
            #expect(!FileManager.default.fileExists(atPath: training.out.path))
            try training.expectTheSameEnd(threads: 1)
        }
    }

    @Test func withoutACheckpointNothingIsKept() throws {
        try withTemporaryFolder { folder in
            let tool = try RunningProgram(Self.training, in: folder)
            tool.wait { Self.steps(tool.output) >= 2 }
            tool.send(SIGINT)
            tool.wait()
            #expect(tool.process.terminationStatus == 130)
            #expect(
                tool.error.hasSuffix("; nothing is kept, as --checkpoint was not given\n"),
                "\(tool.error)")
        }
    }

    @Test func otherSettingsAreRefusedAndNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c").path
            let small = ["train", "--limit", "40", "--epochs", "1", "--checkpoint", file]
            #expect(try Tool.run(small).status == 0)
            for (change, line) in [
                (["--batch-size", "7"], "batchSize was 100 and is 7"),
                (["--optimizer", "sgd"], "optimizer was adam and is sgd"),
                (["--augment", "flip"], "augmentation was not set and is flip"),
                (["--seed", "9"], "seed was 1 and is 9"),
                (["--network", "lenet"], "network was simple and is lenet"),
                (["--learning-rate", "0.5"], "learningRate was 0.001 and is 0.5"),
            ] {
                let run = try Tool.run(small + change + ["--resume", file])
                #expect(run.status == 1, "\(run)")
                #expect(run.error.contains(": was written with other settings: "), "\(run)")
                #expect(run.error.contains(line), "\(run)")
                #expect(run.error.filter(\.isNewline).count == 1)
            }
            // Other data of the same size.
            let run = try Tool.run(
                ["train", "--limit", "39", "--epochs", "1", "--resume", file])
            #expect(run.error.contains("data was "), "\(run)")
            #expect(run.error.contains("samples was 40 and is 39"), "\(run)")
            // More epochs are what a checkpoint is for.
            let more = try Tool.run(
                ["train", "--limit", "40", "--epochs", "2", "--resume", file])
            #expect(more.status == 0, "\(more)")
            #expect(more.output.contains("from epoch 2 after step 0 on"))
            #expect(more.output.contains("\nepoch 2/2 "))
            #expect(!more.output.contains("\nepoch 1/2 "))
        }
    }

    @Test func missingAndForeignCheckpointsAreNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c").path
            let missing = try Tool.run(["train", "--resume", file])
            #expect(missing.status == 1)
            #expect(missing.error.hasPrefix("convnet: \(file): can't be read: "), "\(missing)")
            try SimpleConvNet(seed: 1).saveParameters(to: URL(fileURLWithPath: file))
            let foreign = try Tool.run(["train", "--resume", file])
            #expect(foreign.status == 1)
            #expect(
                foreign.error
                    == "convnet: \(file): is not a checkpoint, expected checkpoint in its "
                    + "metadata\n")
        }
    }
}
