// SPDX-License-Identifier: MIT
//
// convnet train --trainable PATTERNS --freeze-normalization: what is not named stays as it was in
// the file that training began with, byte for byte, over a checkpoint too.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite struct FineTuneCommandTests {
    private static func tensors(_ file: URL) throws -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: try Safetensors.contents(of: file).tensors.map {
                ($0.name, $0.value)
            })
    }

    /// Runs `train` on ten steps of digits an epoch.
    private static func train(in folder: URL, _ more: [String]) throws -> Subprocess {
        try Tool.run(
            [
                "train", "--network", "resnet20", "--data", folder.path, "--batch-size", "5",
                "--threads", "1",
            ] + more)
    }

    /// Whether a tensor belongs to the last block or to the layer behind it.
    private static func isMeant(_ name: String) -> Bool {
        name.hasPrefix("11.") || name.hasPrefix("14.")
    }

    @Test func whatIsNotNamedStays() throws {
        try withTemporaryFolder { folder in
            try writeDigitFiles(training: 50, test: 10, to: folder)
            let files = ["base", "tuned", "c", "part", "resumed"].map {
                folder.appendingPathComponent($0)
            }
            let base = try Self.train(in: folder, ["--epochs", "1", "--out", files[0].path])
            try #require(base.status == 0, "\(base)")

            let part = [
                "--from", files[0].path, "--trainable", "11.*,14.*", "--freeze-normalization",
            ]
            let tuned = try Self.train(
                in: folder, part + ["--epochs", "2", "--out", files[1].path])
            try #require(tuned.status == 0, "\(tuned)")
            let kept = part + ["--checkpoint", files[2].path, "--checkpoint-every", "3"]
            let half = try Self.train(
                in: folder, kept + ["--epochs", "1", "--out", files[3].path])
            try #require(half.status == 0, "\(half)")
            let checkpoint = try Checkpoint(contentsOf: files[2])
            #expect(checkpoint.settings["trainable"] == "11.*; 14.*")
            #expect(checkpoint.settings["frozenNormalizations"] == "*")
            try Self.expectFrozen(files[2], as: files[0])
            let resumed = try Self.train(
                in: folder,
                kept + ["--epochs", "2", "--resume", files[2].path, "--out", files[4].path])
            try #require(resumed.status == 0, "\(resumed)")
            #expect(try Data(contentsOf: files[4]) == Data(contentsOf: files[1]))
            try Self.expectFrozen(files[1], as: files[0])

            for (change, line) in [
                (["--trainable", "14.*"], "trainable was 11.*; 14.* and is 14.*"),
                ([], "trainable was 11.*; 14.* and is not set"),
                ([], "frozenNormalizations was * and is not set"),
            ] {
                let other = try Self.train(
                    in: folder,
                    ["--from", files[0].path, "--epochs", "2", "--resume", files[2].path] + change)
                #expect(other.status == 1 && other.error.contains(line), "\(other)")
            }
        }
    }

    /// Expects a file's running statistics and frozen parameters to be those of another, bit for
    /// bit, and the others not.
    private static func expectFrozen(_ file: URL, as other: URL) throws {
        let (found, before) = (try tensors(file), try tensors(other))
        #expect(before.keys.contains("11.b1.mean") && before.keys.contains("14.W"))
        for (name, value) in before {
            let isStatistic = name.hasSuffix(".mean") || name.hasSuffix(".variance")
            let tensor = try #require(found[name], "\(name)")
            #expect(
                tensor.hasSameBits(as: value) == (isStatistic || !isMeant(name)), "\(name)")
        }
        // Adam keeps nothing beside what is never trained.
        let moments = found.keys.filter { $0.hasPrefix("optimizer.") }
        #expect(moments.allSatisfy { isMeant(String($0.split(separator: ".", maxSplits: 2)[2])) })
    }

    @Test(arguments: [
        (
            ["--trainable", "W1,fc.*"],
            "--trainable is fc.*, expected a pattern that matches one of W1, b1"
        ),
        (
            ["--trainable", "W1,,W2"],
            "--trainable is , expected a pattern that matches one of W1, b1"
        ),
        (["--trainable", "!*"], "--trainable is [!*], expected patterns that leave a parameter"),
        (
            ["--freeze-normalization"],
            "--freeze-normalization is for networks with running statistics, expected none with "
                + "this one"
        ),
    ])
    func whatMeansNothingIsAWrongCall(_ more: [String], _ line: String) throws {
        let run = try Tool.run(["train", "--limit", "20"] + more)
        #expect(run.status == 2, "\(run)")
        #expect(run.error.hasPrefix("convnet: \(line)"), "\(run)")
        #expect(run.output.isEmpty, "\(run)")
    }

    /// A network for six classes goes on with ten: the new layer is trained, the rest stays.
    @Test func otherClassesGetANewOutput() throws {
        try withTemporaryFolder { folder in
            try writeDigitFiles(training: 20, test: 10, to: folder)
            let files = ["six.onnx", "ten"].map { folder.appendingPathComponent($0) }
            var six = try Network.smallResNet(
                depth: 8, classes: 6, inputShape: [1, 28, 28], seed: 1)
            six.preprocessing = try Preprocessing(classNames: (1...6).map { "class \($0)" })
            try six.exportONNX(to: files[0])
            let arguments = [
                "train", "--data", folder.path, "--batch-size", "10", "--epochs", "1", "--from",
                files[0].path, "--out", files[1].path,
            ]
            let refused = try Tool.run(arguments)
            #expect(
                refused.status == 2
                    && refused.error.contains("--data has 10 classes, expected as many as")
                    && refused.error.contains("--new-output"), "\(refused)")
            let run = try Tool.run(
                arguments + [
                    "--new-output", "--trainable", "8.*", "--freeze-normalization",
                ])
            try #require(run.status == 0, "\(run)")
            #expect(try Network(contentsOf: files[1]).outputShape == [10])
            let before = try Network(onnx: files[0])
            let after = try Self.tensors(files[1])
            for (name, old) in (before.parameters + before.buffers).map({ ($0.name, $0.value) })
            where !name.hasPrefix("8.") {
                #expect(after[name]?.hasSameBits(as: old) == true, "\(name)")
            }
        }
        let alone = try Tool.run(["train", "--limit", "20", "--new-output"])
        #expect(
            alone.status == 2
                && alone.error.hasPrefix(
                    "convnet: --new-output is given, expected --from beside it"),
            "\(alone)")
    }

    /// All but one layer.
    @Test func anExceptionIsKept() throws {
        try withTemporaryFolder { folder in
            try writeDigitFiles(training: 20, test: 10, to: folder)
            let files = ["base", "tuned"].map { folder.appendingPathComponent($0) }
            let base = try SimpleConvNet(seed: 1)
            try base.save(to: files[0])
            let run = try Tool.run([
                "train", "--data", folder.path, "--batch-size", "10", "--epochs", "1", "--from",
                files[0].path, "--trainable", "!W1,!b1", "--out", files[1].path,
            ])
            try #require(run.status == 0, "\(run)")
            let (found, before) = (try Self.tensors(files[1]), try Self.tensors(files[0]))
            for (name, value) in before {
                let isKept = try #require(found[name]).hasSameBits(as: value)
                #expect(isKept == ["W1", "b1"].contains(name), "\(name)")
            }
        }
    }
}
