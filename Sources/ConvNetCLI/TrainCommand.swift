// SPDX-License-Identifier: MIT
//
// convnet train: trains a network and writes its parameters.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum TrainCommand: Command {
    static let name = "train"
    static let summary = "Trains a network on digits and writes its parameters."
    static let operands = ""
    static let example = "convnet train --data mnist --epochs 3 --seed 1 --out digits.safetensors"
    static let options =
        [Networks.option] + DataSets.options + [
            Option("epochs", "N", "How often to go through the images; 3."),
            Option("batch-size", "N", "Images in a step; 100."),
        ] + OptimizerOptions.options + [
            Option(
                "initialization", "NAME",
                "he, xavier, or a standard deviation; what suits the network."),
            Option("seed", "N", "What weights, order and drawn digits come from; 1."),
            .threads,
            Option("out", "FILE", "Where to write the parameters (safetensors)."),
            Option("json", "Report as JSON, a line an epoch and one at the end."),
        ]

    static func run(_ options: Options) throws {
        let epochs = try options.int("epochs") ?? 3
        let batchSize = try options.int("batch-size") ?? 100
        let seed = UInt64(try options.int("seed", atLeast: 0) ?? 1)
        let optimizers = try OptimizerOptions(options)
        let initialization = try initialization(options)
        let kernels = try options.nativeKernels()
        let output = options.string("out").map { URL(fileURLWithPath: $0) }
        if let output { try checkWritable(output) }
        var network = try Networks.make(
            options, seed: seed, initialization: initialization, kernels: kernels)
        let training = try DataSets.training(options, seed: seed).shuffled(seed: seed)
        let test = try DataSets.test(options, limit: nil)
        var trainer = try Trainer(
            optimizer: optimizers.optimizer(
                stepsPerEpoch: training.batchCount(size: batchSize), epochs: epochs),
            batchSize: batchSize, epochs: epochs, earlyStopping: optimizers.earlyStopping)

        var report = report(options)
        report.start(samples: training.sampleCount, epochs: epochs, threads: kernels.threads)
        try train(&network, with: &trainer, on: training, testing: test, report: &report)
        if let output {
            try network.saveParameters(to: output)
            report.wrote(output.path)
        }
    }

    private static func report(_ options: Options) -> any TrainingReport {
        if options.has("json") { return JSONLines() }
        return isatty(STDERR_FILENO) == 1 ? ProgressBar() : PlainLines()
    }

    /// Opens the existential: a trainer works on one concrete network.
    private static func train(
        _ network: inout any Classifier, with trainer: inout Trainer, on training: LabeledImages,
        testing: LabeledImages, report: inout any TrainingReport
    ) throws {
        func open<Model: Classifier>(_ model: Model) throws -> Model {
            var model = model
            try trainer.train(&model, on: training, testing: testing) { event in
                try report.report(event)
            }
            return model
        }
        network = try open(network)
    }

    private static func initialization(_ options: Options) throws -> Initialization? {
        guard let name = options.string("initialization") else { return nil }
        do throws(TensorError) {
            return try Initialization(name: name)
        } catch {
            throw UsageError("--initialization is \(error.value), expected \(error.expected)")
        }
    }

    /// Finds out before hours of training that their result could not be written.
    private static func checkWritable(_ file: URL) throws {
        let folder = file.deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue, FileManager.default.isWritableFile(atPath: folder)
        else { throw UsageError("--out is \(file.path), expected a file in a writable folder") }
        if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder),
            isFolder.boolValue
        {
            throw UsageError("--out is \(file.path), a folder, expected a file")
        }
    }
}
