// SPDX-License-Identifier: MIT
//
// Training that people watch: what a network's name implies, averages, accumulated gradients, and
// the files that show how it goes.

import ConvNetOptions
import ConvNetPlots
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet
@testable import ConvNetCommands

@Suite struct WatchedTrainingTests {
    private static func options(_ arguments: String...) throws -> Options {
        try Options(arguments, declared: TrainCommand.options)
    }

    private static func optimizers(_ arguments: String..., samples: Int = 128) throws
        -> (OptimizerOptions, TrainingRecipe?)
    {
        let options = try Options(arguments, declared: TrainCommand.options)
        let recipe = try TrainingRecipe.implied(by: options)
        return (try OptimizerOptions(options, recipe, samples: samples), recipe)
    }

    @Test func eachNamedNetworkImpliesItsRecipe() throws {
        let (small, recipe) = try Self.optimizers("--network", "resnet20")
        #expect(small.optimizer.configuration["momentum"] == "0.9")
        #expect(small.optimizer.learningRate == 0.1 && small.optimizer.weightDecay == 1e-4)
        #expect(small.decaying == .weights && recipe?.augmentation == "shift:4,flip")
        let schedule = try #require(try small.schedule(stepsPerEpoch: 391, epochs: 10))
        #expect(schedule.course == .cosine(steps: 3910) && schedule.warmUpSteps == 200)
        // A short training has a short warm-up.
        #expect(try small.schedule(stepsPerEpoch: 2, epochs: 10)?.warmUpSteps == 2)
        #expect(
            small.summary(samples: 128, stepsPerEpoch: 391, epochs: 10)
                == "sgd with momentum 0.9, learning rate 0.1, 200 steps of warm-up, cosine to 0, "
                + "weight decay 0.0001 of weights, 128 images per step")
        for (name, rate, decay, samples, course) in [
            ("resnet18", 0.1, 1e-4, 256, .step(every: 30, factor: 0.1)),
            ("resnet50", 0.1, 1e-4, 256, .step(every: 30, factor: 0.1)),
            ("mobilenet_v2", 0.045, 4e-5, 256, .step(every: 1, factor: 0.98)),
            ("squeezenet1_1", 0.04, 2e-4, 512, .linear(steps: 90)),
        ] as [(String, Double, Double, Int, LearningRateSchedule.Course)] {
            let (found, recipe) = try Self.optimizers("--network", name, samples: samples)
            #expect(recipe?.samples == samples)
            #expect(found.optimizer.learningRate == rate && found.optimizer.weightDecay == decay)
            #expect(try found.schedule(stepsPerEpoch: 1, epochs: 90)?.course == course, "\(name)")
            #expect(found.decaying == .all)
        }
    }

    @Test func optionsOverrideARecipe() throws {
        // Half the images, half the rate; steps come where the training's thirds end.
        let (photographs, _) = try Self.optimizers("--network", "resnet18", samples: 128)
        #expect(photographs.optimizer.learningRate == 0.05)
        #expect(
            try photographs.schedule(stepsPerEpoch: 5, epochs: 9)?.course
                == .step(every: 15, factor: 0.1))
        let (given, _) = try Self.optimizers(
            "--network", "resnet20", "--learning-rate", "0.3", "--momentum", "0.5", "--schedule",
            "one-cycle:0.25", "--weight-decay", "0.01", "--decay", "all", samples: 4)
        #expect(given.optimizer.configuration["momentum"] == "0.5")
        #expect(given.optimizer.learningRate == 0.3 && given.optimizer.weightDecay == 0.01)
        #expect(given.decaying == .all)
        #expect(
            try given.schedule(stepsPerEpoch: 5, epochs: 2)?.course
                == .oneCycle(steps: 10, rise: 0.25))
        // Another optimizer has its own settings.
        let (adam, _) = try Self.optimizers("--network", "resnet20", "--optimizer", "adam")
        #expect(adam.optimizer.learningRate == 0.001 && adam.optimizer.weightDecay == 0)
        // Fine-tuning is no training from the beginning, and the chapter's networks have no recipe.
        for arguments in [["--network", "resnet20", "--from", "x"], ["--network", "lenet"], []] {
            let options = try Options(arguments, declared: TrainCommand.options)
            #expect(try TrainingRecipe.implied(by: options) == nil)
        }
    }

    @Test(arguments: [
        (["--momentum", "1"], "--momentum is 1, expected at least 0.0 and below 1.0"),
        (
            ["--optimizer", "adam", "--momentum", "0.5"],
            "--momentum is 0.5, expected none with adam"
        ),
        (["--momentum", "x"], "--momentum is x, expected a number"),
        (["--decay", "bias"], "--decay is bias, expected all or weights"),
        (["--ema", "1"], "--ema is 1.0, expected at least 0 and below 1"),
        (["--label-smoothing", "1"], "--label-smoothing is 1.0, expected at least 0 and below 1"),
        (
            ["--schedule", "one-cycle:1"],
            "--schedule is one-cycle:1, expected a RISE between 0 and 1"
        ),
    ])
    func wrongOptionsAreNamed(_ arguments: [String], _ message: String) throws {
        let options = try Options(
            arguments.contains("--optimizer") ? arguments : ["--optimizer", "sgd"] + arguments,
            declared: TrainCommand.options)
        #expect(throws: UsageError(message)) { _ = try OptimizerOptions(options) }
    }

    @Test func theRecipeIsShown() throws {
        let run = try Tool.run([
            "train", "--network", "resnet20", "--limit", "20", "--epochs", "1", "--batch-size", "8",
            "--accumulate", "2",
        ])
        #expect(run.status == 0, "\(run)")
        #expect(
            run.output.contains(
                "\nrecipe: sgd with momentum 0.9, learning rate 0.0125, cosine to 0, weight decay "
                    + "0.0001 of weights, 16 images per step (He et al. 2016, section 4.2, with "
                    + "warm-up and cosine; 164 epochs there, --epochs 1 here)\n"), "\(run)")
    }

    /// Epochs are judged by what is held out; the test images come at the end.
    @Test func aShareIsHeldOut() throws {
        let run = try Tool.run([
            "train", "--limit", "100", "--epochs", "2", "--hold-out", "0.2", "--patience", "1",
            "--json",
        ])
        #expect(run.status == 0, "\(run)")
        let lines = try run.output.split(separator: "\n").map {
            try CommandTests.object(String($0))
        }
        #expect(lines.dropLast().allSatisfy { $0["test_total"] as? Int == 20 }, "\(run)")
        #expect(lines.last?["final_test_total"] as? Int == 2000)
        let wrong = try Tool.run(["train", "--limit", "10", "--hold-out", "1"])
        #expect(wrong.error == "convnet: --hold-out is 1.0, expected between 0 and 1\n")
    }

    /// Gradients that are accumulated are those of a batch in as many shards.
    @Test func accumulatedBatchesAreShardsOfALargeOne() throws {
        try withTemporaryFolder { folder in
            let files = try [
                ["--batch-size", "10", "--accumulate", "3"],
                ["--batch-size", "30", "--shards", "3"],
            ].enumerated().map { place, arguments in
                let file = folder.appendingPathComponent("\(place)")
                let run = try Tool.run(
                    ["train", "--limit", "70", "--epochs", "1", "--out", file.path] + arguments)
                #expect(run.status == 0, "\(run)")
                return try Data(contentsOf: file)
            }
            #expect(files[0] == files[1])
        }
    }

    /// A training with everything that is new, in one go and in two.
    @Test func averagesAndFilesGoOnOverACheckpoint() throws {
        try withTemporaryFolder { folder in
            func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
            let training = [
                "train", "--limit", "60", "--batch-size", "10", "--optimizer", "sgd", "--momentum",
                "0.9", "--learning-rate", "0.05", "--weight-decay", "0.01", "--decay", "weights",
                "--label-smoothing", "0.1", "--ema", "0.9", "--threads", "1",
            ]
            func run(_ arguments: [String]) throws {
                let run = try Tool.run(training + arguments)
                try #require(run.status == 0, "\(run)")
            }
            try run([
                "--epochs", "2", "--out", path("whole"), "--csv", path("whole.csv"), "--history",
                path("whole.json"), "--tensorboard", path("whole.run"),
            ])
            let kept = [
                "--checkpoint", path("c"), "--csv", path("parts.csv"), "--out", path("parts"),
                "--tensorboard", path("parts.run"),
            ]
            try run(["--epochs", "1"] + kept)
            try run(["--epochs", "2", "--resume", path("c")] + kept)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path("whole")))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path("parts"))) == whole)
            // What is written is the average, not what the checkpoint goes on with.
            let network = try Safetensors.contents(of: URL(fileURLWithPath: path("whole")))
            let checkpoint = try Safetensors.contents(of: URL(fileURLWithPath: path("c")))
            func tensor(_ contents: Safetensors.Contents, _ name: String) throws -> Tensor {
                try #require(contents.tensors.first { $0.name == name }).value
            }
            #expect(try tensor(network, "W1") == tensor(checkpoint, "average.W1"))
            #expect(try tensor(network, "W1") != tensor(checkpoint, "W1"))
            try Self.expectFiles(in: folder)
        }
    }

    private static func expectFiles(in folder: URL) throws {
        func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
        let tables = try ["whole.csv", "parts.csv"].map {
            try String(contentsOf: file($0), encoding: .utf8).split(separator: "\n")
        }
        #expect(tables[0].count == 3)
        #expect(tables[0][0] == "epoch,train_loss,train_accuracy,test_loss,test_accuracy,seconds")
        for (one, two) in zip(tables[0], tables[1]) {
            // All but the seconds.
            #expect(one.split(separator: ",").dropLast() == two.split(separator: ",").dropLast())
        }
        let runs = ["whole.run", "parts.run"].map {
            (try? FileManager.default.contentsOfDirectory(atPath: file($0).path)) ?? []
        }
        #expect(runs.map(\.count) == [1, 2])
        #expect(runs.joined().allSatisfy { $0.hasPrefix("events.out.tfevents.") })

        // The same training by its three kinds of files.
        let out = file("curves.png")
        let run = try Tool.run(
            ["curves", "whole.json", "whole.csv", "c", "--out", out.path].map {
                $0.hasPrefix("whole") || $0 == "c" ? file($0).path : $0
            })
        #expect(run.status == 0 && run.output == "wrote \(out.path)\n", "\(run)")
        let histories = try ["whole.json", "whole.csv", "c"].map {
            try RunFile.history(in: file($0)).curves
        }
        #expect(histories[0] == histories[2])
        #expect(histories[0].trainLoss == histories[1].trainLoss)
        for (one, two) in zip(histories[0].testAccuracy, histories[1].testAccuracy) {
            #expect(abs(one - two) <= 1e-9)
        }
    }

    @Test func curvesOfWhatIsNoRunAreRefused() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("x.csv")
            try Data("a,b\n1,2\n".utf8).write(to: file)
            let out = folder.appendingPathComponent("x.png").path
            let run = try Tool.run(["curves", file.path, "--out", out])
            #expect(run.status == 1)
            #expect(
                run.error == "convnet: \(file.path): the first line is a,b, expected "
                    + "epoch,train_loss,train_accuracy,test_loss,test_accuracy,seconds\n")
            #expect(try Tool.run(["curves", "--out", out]).status == 2)
            #expect(
                try Tool.run(["curves", file.path, "--out", out, "--names", "a,b"]).error
                    == "convnet: --names is a,b, expected 1, one for each run\n")
        }
    }
}

@Suite struct EvaluationCommandTests {
    private static func withNetwork(_ body: (_ file: String, _ folder: URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("network.safetensors")
            try SimpleConvNet(seed: 3, initialization: .he).save(to: file)
            try body(file.path, folder)
        }
    }

    @Test func classesAndTheMostProbableAreCounted() throws {
        try Self.withNetwork { file, _ in
            let evaluate = ["evaluate", "--parameters", file, "--limit", "50"]
            let plain = try Tool.run(evaluate)
            let run = try Tool.run(evaluate + ["--top", "10", "--classes"])
            #expect(run.status == 0, "\(run)")
            let lines = run.output.split(separator: "\n")
            #expect("\(lines[0])\n" == plain.output)
            #expect(lines[1] == "top-10 accuracy 1.0000 (50/50)")
            #expect(lines[2] == "class  images     recall  precision         f1")
            #expect(lines.count == 14 && lines[13].hasPrefix("confused most: "))
            let json = try CommandTests.object(
                Tool.run(evaluate + ["--top", "10", "--classes", "--json"]).output)
            #expect(json["top"] as? Int == 10 && json["top_accuracy"] as? Double == 1)
            let classes = try #require(json["classes"] as? [[String: Any]])
            #expect(classes.compactMap { $0["images"] as? Int }.reduce(0, +) == 50)
            #expect(
                classes.compactMap { $0["correct"] as? Int }.reduce(0, +)
                    == json["correct"] as? Int)
        }
    }

    @Test func attentionIsDrawn() throws {
        try Self.withNetwork { file, folder in
            let image = folder.appendingPathComponent("image.png")
            try Picture.filters(
                Tensor(shape: [2, 3, 1, 2], scalars: (0..<12).map { Float($0) - 5 })
            ).write(to: image)
            let out = folder.appendingPathComponent("attention.png")
            let show = ["show", "attention", image.path, "--parameters", file, "--out", out.path]
            let run = try Tool.run(show + ["--class", "3", "--layer", "relu1"])
            #expect(run.status == 0, "\(run)")
            #expect(run.output.hasPrefix("class 3, "), "\(run)")
            #expect(run.output.hasSuffix(" %, at relu1\nwrote \(out.path)\n"), "\(run)")
            #expect(try Data(contentsOf: out).count > 1000)
            let wrong = try Tool.run(show + ["--class", "10"])
            #expect(wrong.status == 2)
            #expect(wrong.error == "convnet: --class is 10, expected from 0 to 9\n")
            #expect(try Tool.run(show + ["--layer", "affine1"]).status == 2)
        }
    }
}
