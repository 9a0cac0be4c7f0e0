// SPDX-License-Identifier: MIT
//
// The commands at work: help, info, training on a few drawn digits, and evaluating what it wrote.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet
@testable import ConvNetCommands

@Suite struct CommandTests {
    @Test(arguments: CommandLineTool.commands.map { $0.name })
    func helpListsEachOption(_ name: String) throws {
        let run = try Tool.run(name.split(separator: " ").map(String.init) + ["--help"])
        let command = try #require(CommandLineTool.commands.first { $0.name == name })
        #expect(run.status == 0)
        #expect(run.error == "")
        #expect(run.output.contains("Usage: convnet \(name)"))
        #expect(run.output.contains(command.summary))
        #expect(run.output.contains("--help"))
    }

    @Test func helpListsEachCommand() throws {
        let run = try Tool.run(["--help"])
        #expect(run.status == 0)
        for command in CommandLineTool.commands {
            #expect(run.output.contains("\n  \(command.name)"))
        }
    }

    @Test func versionIsPrinted() throws {
        let run = try Tool.run(["--version"])
        #expect(run.output == "convnet \(CommandLineTool.version)\n")
        #expect(run.status == 0)
    }

    @Test(arguments: InstructionSet.supported)
    func infoTellsTheInstructionSetThatIsForced(_ set: InstructionSet) throws {
        let run = try Tool.run(
            ["info", "--json", "--threads", "3"], environment: ["CONVNET_ISA": set.rawValue])
        let info = try Self.object(run.output)
        #expect(info["instruction_set"] as? String == set.rawValue)
        #expect(info["product_kernel"] as? String == set.productKernelName)
        #expect(
            info["supported_instruction_sets"] as? [String]
                == InstructionSet.supported.map(\.rawValue))
        #expect(info["threads"] as? Int == 3)
        #expect(info["openmp"] as? Bool == NativeKernels.usesOpenMP)
        #expect(info["version"] as? String == CommandLineTool.version)
        #expect((info["cpu"] as? String)?.isEmpty == false)
        #expect(run.status == 0)
    }

    /// Three batches of 25 images, two of which are whole.
    @Test func dropLastLeavesTheLastImagesOut() throws {
        func steps(_ arguments: String...) throws -> [[String: Any]] {
            let run = try Tool.run(
                [
                    "train", "--limit", "25", "--batch-size", "10", "--epochs", "1", "--json",
                    "--steps",
                ] + arguments)
            #expect(run.status == 0, "\(run)")
            return try run.output.split(separator: "\n").map { try Self.object(String($0)) }
                .filter { $0["loss"] != nil && $0["step"] != nil }
        }
        #expect(try steps().compactMap { $0["step"] as? Int } == [1, 2, 3])
        #expect(try steps("--drop-last").compactMap { $0["step"] as? Int } == [1, 2])
        let tooFew = try Tool.run([
            "train", "--limit", "9", "--batch-size", "10", "--epochs", "1", "--drop-last",
        ])
        #expect(tooFew.status == 1)
        #expect(
            tooFew.error
                == "convnet: Trainer: batchSize is 10, expected at most 9, the number of samples, "
                + "with dropLast\n")
    }

    @Test func infoShowsANetworksLayers() throws {
        let arguments = ["info", "--network", "simple", "--batch-size", "2"]
        let table = try Tool.run(arguments)
        #expect(table.output.contains("affine1  Affine       [2, 100]"), "\(table)")
        #expect(table.status == 0)
        let info = try Self.object(Tool.run(arguments + ["--json"]).output)
        // 30·25 + 30, 4320·100 + 100, 100·10 + 10.
        #expect(info["parameters"] as? Int == 780 + 432_100 + 1010)
        #expect((info["layers"] as? [[String: Any]])?.count == 6)
        #expect(info["input_shape"] as? [Int] == [2, 1, 28, 28])
    }

    /// Training on drawn digits reaches the same bytes on any number of threads, and `evaluate`
    /// counts with them what `train` counted.
    @Test func trainedParametersAreTheSameOnAnyThreadsAndCanBeEvaluated() throws {
        try withTemporaryFolder { folder in
            let files = try ["1", "2", "3"].map { threads in
                let file = folder.appendingPathComponent("\(threads).safetensors")
                let run = try Tool.run([
                    "train", "--limit", "250", "--epochs", "1", "--threads", threads, "--out",
                    file.path,
                ])
                #expect(run.status == 0, "\(run)")
                #expect(run.error == "")
                #expect(run.lastLine == "wrote \(file.path)")
                return (file: file, run: run)
            }
            let bytes = try files.map { try Data(contentsOf: $0.file) }
            #expect(bytes[0] == bytes[1])
            #expect(bytes[0] == bytes[2])

            let run = try Tool.run(["evaluate", "--parameters", files[0].file.path])
            #expect(run.status == 0, "\(run)")
            let line = run.output.trimmingCharacters(in: .newlines)
            #expect(line.wholeMatch(of: /accuracy [01]\.\d{4} \(\d+\/2000\)/) != nil, "\(run)")
            #expect(files[0].run.output.contains("test \(line) "))
        }
    }

    @Test func jsonIsALineAnEpochAndEvaluateAgrees() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("digits.safetensors").path
            let run = try Tool.run([
                "train", "--limit", "150", "--batch-size", "50", "--epochs", "2", "--optimizer",
                "sgd", "--initialization", "he", "--json", "--out", file,
            ])
            #expect(run.status == 0, "\(run)")
            let lines = try run.output.split(separator: "\n").map { try Self.object(String($0)) }
            try #require(lines.count == 3, "\(run)")
            #expect(lines.prefix(2).compactMap { $0["epoch"] as? Int } == [1, 2])
            #expect(lines[2]["wrote"] as? String == file)

            let evaluated = try Self.object(
                Tool.run(["evaluate", "--parameters", file, "--json"]).output)
            let correct = try #require(evaluated["correct"] as? Int)
            #expect(lines[1]["test_correct"] as? Int == correct)
            #expect(lines[1]["test_total"] as? Int == 2000)
            #expect(evaluated["total"] as? Int == 2000)
            #expect(evaluated["accuracy"] as? Double == Double(correct) / 2000)
        }
    }

    /// Every option of the optimizer at once; training stops early at a learning rate of almost 0.
    @Test func optimizerOptionsTakeEffect() throws {
        let run = try Tool.run([
            "train", "--limit", "100", "--batch-size", "50", "--epochs", "9", "--optimizer",
            "adamw", "--learning-rate", "1e-30", "--schedule", "step:1:0.5", "--warm-up", "2",
            "--weight-decay", "0.1", "--clip", "norm:1", "--patience", "2", "--json",
        ])
        #expect(run.status == 0, "\(run)")
        let epochs = try run.output.split(separator: "\n").map { try Self.object(String($0)) }
        #expect(epochs.compactMap { $0["epoch"] as? Int } == [1, 2, 3], "\(run)")
    }

    @Test func anotherSeedGivesOtherParameters() throws {
        try withTemporaryFolder { folder in
            let bytes = try ["1", "2"].map { seed in
                let file = folder.appendingPathComponent(seed)
                let arguments = ["--limit", "20", "--epochs", "1", "--seed", seed]
                _ = try Tool.run(["train"] + arguments + ["--out", file.path])
                return try Data(contentsOf: file)
            }
            #expect(bytes[0] != bytes[1])
        }
    }

    /// `evaluate` prints a fraction that is cut: only all of them right is 1.
    @Test(arguments: [
        (9890, 10000, "accuracy 0.9890 (9890/10000)"), (3, 3, "accuracy 1.0000 (3/3)"),
        (99_999, 100_000, "accuracy 0.9999 (99999/100000)"), (0, 7, "accuracy 0.0000 (0/7)"),
        (2, 3, "accuracy 0.6666 (2/3)"),
    ])
    func accuracyReads(_ correct: Int, _ total: Int, _ text: String) {
        #expect(accuracyText(Accuracy(correct: correct, total: total)) == text)
    }

    static func object(_ text: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [String: Any])
    }
}

private let environment = ProcessInfo.processInfo.environment

@Suite(
    .enabled(
        if: environment["MNIST_DIR"] != nil && environment["BOOK_PARAMETERS"] != nil,
        "set MNIST_DIR and BOOK_PARAMETERS"))
struct BookCommandTests {
    /// 9,890 is what the book's Python gives with the same parameters on the same images.
    @Test func evaluatePrintsTheBooksAccuracy() throws {
        let run = try Tool.run([
            "evaluate", "--parameters", #require(environment["BOOK_PARAMETERS"]), "--data",
            #require(environment["MNIST_DIR"]),
        ])
        #expect(run.output == "accuracy 0.9890 (9890/10000)\n")
        #expect(run.error == "")
        #expect(run.status == 0)
    }
}
