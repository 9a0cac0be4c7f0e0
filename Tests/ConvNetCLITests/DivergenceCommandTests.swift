// SPDX-License-Identifier: MIT
//
// Training that diverges, as a person sees it: an error that ends in a command which works, files
// that are left alone, and networks of such trainings that are refused instead of counted.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

@Suite struct DivergenceCommandTests {
    /// Ten steps of ten images an epoch.
    private static let training = [
        "train", "--limit", "100", "--batch-size", "10", "--optimizer", "sgd",
    ]

    /// Runs the command that an error ends in, as a shell would.
    private static func follow(_ run: Subprocess) throws -> Subprocess {
        let command = try #require(run.error.split(separator: " with: convnet ").last)
        return try Subprocess.run("bash", ["-c", "exec '\(Tool.executable.path)' \(command)"])
    }

    /// One step an epoch: no loss comes after the last update.
    @Test func theLastUpdateIsLookedAtAndNothingIsOverwritten() throws {
        try withTemporaryFolder { folder in
            let files = ["out", "a checkpoint"].map { folder.appendingPathComponent($0) }
            for file in files { try Data([7]).write(to: file) }
            let run = try Tool.run([
                "train", "--limit", "100", "--epochs", "1", "--optimizer", "sgd",
                "--learning-rate", "1e30", "--out", files[0].path, "--checkpoint", files[1].path,
            ])
            #expect(run.status == 1, "\(run)")
            #expect(
                run.error == "convnet: training: the test loss is NaN after epoch 1, expected a "
                    + "finite number; a smaller learning rate may help; begin again with: convnet "
                    + "train --limit 100 --epochs 1 --optimizer sgd --out \(files[0].path) "
                    + "--checkpoint '\(files[1].path)' --learning-rate 0.01\n", "\(run)")
            #expect(!run.output.contains("wrote"))
            for file in files { #expect(try Data(contentsOf: file) == Data([7])) }
            let again = try Self.follow(run)
            #expect(again.status == 0, "\(again)")
            #expect(again.output.hasSuffix("\nwrote \(files[0].path)\n"))
        }
    }

    /// A good epoch, then one at a rate that is too large: what the advice says goes on from the
    /// last good checkpoint to the bytes that training at that rate gives.
    @Test func theAdviceWorksToTheLetter() throws {
        try withTemporaryFolder { folder in
            let (file, out) = (
                folder.appendingPathComponent("c").path, folder.appendingPathComponent("out")
            )
            let first =
                Self.training + ["--epochs", "1", "--learning-rate", "0.02", "--checkpoint", file]
            #expect(try Tool.run(first).status == 0)
            let good = try Data(contentsOf: URL(fileURLWithPath: file))
            let run = try Tool.run(
                Self.training + [
                    "--epochs", "2", "--learning-rate", "1e30", "--resume=\(file)", "--override",
                    "learning-rate", "--checkpoint-every", "1", "--out", out.path,
                ])
            #expect(run.status == 1, "\(run)")
            // The checkpoint after one step has numbers, though too large ones.
            #expect(
                run.error == "convnet: training: the loss is NaN in step 2 of epoch 2, expected a "
                    + "finite number; a smaller learning rate may help; go on from the last good "
                    + "checkpoint with: convnet train --limit 100 --batch-size 10 --optimizer sgd "
                    + "--epochs 2 --checkpoint-every 1 --out \(out.path) --learning-rate 0.01 "
                    + "--override learning-rate --resume \(file).1 --checkpoint \(file)\n", "\(run)"
            )
            #expect(!FileManager.default.fileExists(atPath: out.path))
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(file).1")) == good)

            let again = try Self.follow(run)
            #expect(again.status == 0, "\(again)")
            #expect(again.output.contains("from epoch 2 after step 0 on"), "\(again)")
            #expect(again.output.hasSuffix("\nwrote \(out.path)\n"), "\(again)")
            #expect(
                try Checkpoint(contentsOf: URL(fileURLWithPath: "\(file).1")).progress.steps == 9)
            let whole = try Tool.run(
                Self.training + [
                    "--epochs", "1", "--learning-rate", "0.02", "--checkpoint", "\(file)2",
                ])
            #expect(whole.status == 0)
            let rest = try Tool.run(
                Self.training + [
                    "--epochs", "2", "--learning-rate", "0.01", "--override", "learning-rate",
                    "--resume", "\(file)2", "--out", "\(out.path)2",
                ])
            #expect(rest.status == 0, "\(rest)")
            #expect(
                try Data(contentsOf: out) == Data(contentsOf: URL(fileURLWithPath: "\(out.path)2")))
        }
    }

    @Test func withOneCheckpointThereIsNoOlderOne() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c").path
            let run = try Tool.run(
                Self.training + [
                    "--epochs", "1", "--learning-rate", "1e30", "--checkpoint", file,
                    "--checkpoint-every", "1", "--keep-checkpoints", "1",
                ])
            #expect(run.status == 1)
            #expect(run.error.contains("; begin again with: convnet train "), "\(run)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["c"])
            #expect(try Self.follow(run).status == 0)
        }
    }

    /// A network that is not the result of a training: its numbers are what they are.
    private static func writeDiverged(_ file: URL, _ number: Float) throws {
        var network = try SimpleConvNet(seed: 1)
        var tensors = network.parameters.map(\.value)
        var numbers = tensors[2].scalars
        (numbers[1 * 100 + 2], numbers[1 * 100 + 3]) = (number, .nan)
        tensors[2] = try Tensor(shape: tensors[2].shape, scalars: numbers)
        try network.network.replaceParameters(tensors)
        try network.save(to: file)
    }

    @Test(arguments: [(Float.nan, "NaN"), (.infinity, "inf"), (-.infinity, "-inf")])
    func aNetworkOfSuchATrainingIsRefused(_ number: Float, _ text: String) throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("n")
            try Self.writeDiverged(file, number)
            let line =
                "convnet: \(file.path): W2 is \(text) at [1, 2], expected finite numbers; a "
                + "training that diverged leaves others\n"
            for arguments in [
                ["evaluate", "--parameters", file.path, "--limit", "10"],
                ["evaluate", "--parameters", file.path, "--network", "simple", "--json"],
                ["predict", "x.png", "--parameters", file.path],
                ["export", "--parameters", file.path, "--out", "\(file.path).onnx"],
            ] {
                let run = try Tool.run(arguments)
                #expect(run.error == line, "\(run)")
                #expect(run.output == "" && run.status == 1, "\(run)")
            }
        }
    }

    @Test(arguments: [
        (
            "diverged.npz",
            "W2 is NaN at [3, 7], the first that is not finite; expected finite numbers"
        ),
        (
            "too-large.npz",
            "b3 has a number at [2] that is larger than Float can hold, expected at most "
                + "3.4028235e+38"
        ),
    ])
    func arraysOfSuchATrainingAreNotImported(_ name: String, _ problem: String) throws {
        try withTemporaryFolder { folder in
            let arrays = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Fixtures/NumPy/\(name)").path
            let output = folder.appendingPathComponent("x").path
            let run = try Tool.run(["import", arrays, "--out", output])
            #expect(run.error == "convnet: \(arrays): \(problem)\n")
            #expect(run.status == 1)
            #expect(!FileManager.default.fileExists(atPath: output))
        }
    }

    /// Nothing has begun where the checkpoint does not suit.
    @Test func aRefusedCheckpointIsToldBeforeAnythingElse() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c").path
            #expect(
                try Tool.run(Self.training + ["--epochs", "1", "--checkpoint", file]).status == 0)
            for more in [["--batch-size=5"], ["--batch-size=10", "--seed", "2"]] {
                let run = try Tool.run(
                    ["train", "--limit", "100", "--optimizer", "sgd", "--resume", file] + more)
                #expect(run.output == "", "\(run)")
                #expect(run.error.contains(": was written with other settings: "), "\(run)")
                #expect(run.status == 1)
            }
        }
    }

    /// A checkpoint killed at any moment of a write, with older ones beside it: each is whole, and
    /// the newer it is called the further it is.
    @Test func killedWhileItKeepsOlderCheckpoints() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            var killed = 0
            for number in 0..<8 {
                var arguments =
                    Self.training + [
                        "--epochs", "1000", "--checkpoint", file.path, "--checkpoint-every", "1",
                        "--keep-checkpoints", "3", "--threads", "1",
                    ]
                if number > 0 { arguments += ["--resume", file.path] }
                let process = try Subprocess.start(Tool.executable.path, arguments)
                // In the third write that is seen, when there is something to move; or, where
                // writes are too short to be seen, at any other moment.
                while process.isRunning, !FileManager.default.fileExists(atPath: file.path) {
                    usleep(50)
                }
                var (writes, looks) = (0, 0)
                while process.isRunning, writes < 3, looks < 3000 {
                    looks += 1
                    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                    if names.contains(where: { $0.hasSuffix(".tmp") || $0.hasSuffix(".old") }) {
                        writes += 1
                    }
                }
                usleep(UInt32(number) * 300)
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                if process.terminationReason == .uncaughtSignal { killed += 1 }

                var steps = [Int]()
                for age in 0..<3 {
                    let path = age == 0 ? file.path : "\(file.path).\(age)"
                    guard age == 0 || FileManager.default.fileExists(atPath: path) else { continue }
                    let progress = try Checkpoint(contentsOf: URL(fileURLWithPath: path)).progress
                    steps.append(progress.history.stepLosses.count)
                }
                #expect(steps == steps.sorted(by: >), "\(steps)")
            }
            #expect(killed == 8)
        }
    }

    /// Files of another program: what the network does not name is ignored and reported, in one
    /// line.
    @Test func withoutStrictnessALineTellsWhatWasIgnored() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("p")
            let network = try SimpleConvNet(seed: 1)
            let more: [NamedTensor] = [("classifier.weight", try Tensor(zeros: [2]))]
            try Safetensors.encode(network.parameters.dropLast() + more).write(to: file)
            let call = ["evaluate", "--parameters", file.path, "--limit", "10"]
            let strict = try Tool.run(call)
            try BadInputTests.expectFailure(
                strict,
                naming: "b3 is missing, expected shape [10]; classifier.weight is unexpected, "
                    + "expected only W1, b1, W2, b2, W3, b3")
            let lenient = try Tool.run(call + ["--no-strict"])
            #expect(lenient.status == 0, "\(lenient)")
            #expect(
                lenient.error
                    == "\(file.path): ignored classifier.weight; missing, and left as it was: b3\n")
            #expect(lenient.output.hasSuffix("/10)\n"))
            // A network's own file suits to the letter.
            try network.save(to: file)
            let exact = try Tool.run(call + ["--no-strict", "--json"])
            #expect(exact.error == "" && exact.status == 0, "\(exact)")
            try Safetensors.encode(more).write(to: file)
            try BadInputTests.expectFailure(
                Tool.run(call + ["--no-strict"]),
                naming: "has none of the network's tensors, expected some of W1, b1, W2, b2, W3, b3"
            )
        }
    }
}
