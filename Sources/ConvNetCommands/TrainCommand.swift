// SPDX-License-Identifier: MIT
//
// convnet train: trains a network and writes its parameters.

import ConvNet
import ConvNetData
import ConvNetImages
import ConvNetOptions
import ConvNetPlots
import Foundation

package enum TrainCommand: Command {
    package static let name = "train"
    package static let summary = "Trains a network and writes its parameters."
    package static let operands = ""
    package static let example =
        "convnet train --data mnist --epochs 3 --seed 1 --out digits.safetensors"
    package static let options =
        [Networks.option] + DataSets.options + ImageFolders.testOptions + ImageFolders.options + [
            Option("epochs", "N", "How often to go through the images; 3."),
            Option("batch-size", "N", "Images in a step; 100."),
            Option("drop-last", "Leave out the images at an epoch's end that fill no batch."),
        ] + OptimizerOptions.options + TrainedPartOptions.options + [
            Option(
                "from", "FILE", "Begin with this network (safetensors, or ONNX), not a new one."),
            Option(
                "initialization", "NAME",
                "he, xavier, or a standard deviation; what suits the network."),
            Option("seed", "N", "What weights, order, drawn digits and changes come from; 1."),
            Option(
                "augment", "LIST",
                "Changes at random, with commas between: shift[:PIXELS], rotate[:DEGREES], "
                    + "crop[:PART], flip; of photographs shift, flip, resized-crop[:PART], "
                    + "jitter[:PART], erase[:PROBABILITY], mixup[:ALPHA]; none."),
            Option("batches-ahead", "N", "Batches made ready by a thread of their own; 2."),
            Option(
                "shards", "N",
                "Compute each batch in N parts, as convnet-mpi does; convnet-mpi 16, convnet none."),
            .threads,
            Option("out", "FILE", "Where to write the network (safetensors)."),
            Option("plot", "FILE", "Draw loss and accuracy over the epochs (.png or .svg)."),
        ] + CheckpointOptions.options + [
            Option("json", "Report as JSON, a line an epoch and one at the end."),
            Option("steps", "With --json, a line a step too."),
        ]

    package static func run(_ options: Options) throws { try run(options, as: nil) }

    /// Trains, alone or as one of a team.
    ///
    /// - Parameter member: who this process is in the team; nil where it trains alone.
    /// - Throws: ``UsageError`` when an option is wrong, and what reading, training and writing throw.
    package static func run(_ options: Options, as member: TeamMember?) throws {
        try Networks.requireClassifier(options)
        let epochs = try options.int("epochs") ?? 3
        let batchSize = try options.int("batch-size") ?? 100
        let dropsLast = options.has("drop-last")
        let seed = UInt64(try options.int("seed", atLeast: 0) ?? 1)
        let optimizers = try OptimizerOptions(options)
        let initialization = try initialization(options)
        let kernels = try options.nativeKernels(standardThreads: member?.standardThreads)
        let files = try TrainingFiles(options, seed: seed, isWriter: member?.isFirst ?? true)
        let folders = try ImageFolders(options, holdingOutBy: seed)
        var network = try network(
            options, seed: seed, initialization, kernels, for: folders?.kind(options) ?? .digits)
        let (training, test) = try data(options, folders, for: &network.network, seed: seed)
        var trainer = try Trainer(
            optimizer: optimizers.optimizer,
            schedule: optimizers.schedule(
                stepsPerEpoch: dropsLast
                    ? training.sampleCount / batchSize : training.batchCount(size: batchSize),
                epochs: epochs),
            clipping: optimizers.clipping, batchSize: batchSize, dropLast: dropsLast,
            epochs: epochs, earlyStopping: optimizers.earlyStopping,
            batchesAhead: options.int("batches-ahead", atLeast: 0) ?? 2,
            sharding: sharding(options, seed: seed, kernels, member))
        TrainedPartOptions.apply(options, to: &trainer)

        var report = report(options, member)
        let start = TrainingStart(
            samples: training.sampleCount, batchSize: batchSize, epochs: epochs,
            threads: kernels.threads, ranks: member?.averager.rankCount ?? 1,
            resumed: files.checkpoints?.resuming?.progress)
        StopSignals.watch()
        let result: (history: TrainingHistory, interruption: (epochs: Int, steps: Int)?)
        do {
            result = try train(
                &network, with: &trainer, on: training, testing: test,
                checkpoints: files.checkpoints, start, report: &report)
        } catch let error as TensorError {
            throw TrainedPartOptions.mistake(error) ?? error
        } catch let error as TrainingError {
            let good = files.checkpoints.flatMap {
                trainer.lastGoodCheckpoint(of: $0, on: training, before: error)
            }
            throw CheckpointOptions.divergence(
                error, learningRate: optimizers.smallerLearningRate, from: good,
                files.checkpoints, tool: member?.tool ?? "convnet")
        }
        if let communication = member?.communication() { try report.shared(communication) }
        try files.write(result.history, report: &report)
        if let place = result.interruption {
            throw CheckpointOptions.interruption(
                at: place, files.checkpoints, tool: member?.tool ?? "convnet")
        }
        if let output = files.output {
            try network.save(to: output)
            report.wrote(output.path)
        }
    }

    /// The network to train: that of `--from`, or a new one.
    private static func network(
        _ options: Options, seed: UInt64, _ initialization: Initialization?,
        _ kernels: NativeKernels, for images: ImageKind
    ) throws -> any Classifier {
        guard let file = options.string("from") else {
            return try Networks.make(
                options, seed: seed, initialization: initialization, for: images,
                kernels: kernels)
        }
        if let name = options.string("initialization") {
            throw UsageError("--initialization is \(name), expected none beside --from")
        }
        var network = try Networks.load(URL(fileURLWithPath: file), options, for: images)
        network.kernels = kernels
        return network
    }

    /// How batches are cut into shards; nil where they are not.
    private static func sharding(
        _ options: Options, seed: UInt64, _ kernels: NativeKernels, _ member: TeamMember?
    ) throws -> Sharding? {
        let shards = try options.int("shards")
        guard member != nil || shards != nil else { return nil }
        var identity: [String: String] = [:]
        if let member {
            identity = try CheckpointOptions.settings(options, seed: seed)
            identity.merge(member.identity) { $1 }
            identity["instructionSet"] = kernels.instructionSet.rawValue
        }
        do throws(TensorError) {
            return try Sharding(
                shards: shards ?? 16, averager: member?.averager ?? LocalAverager(),
                identity: identity)
        } catch {
            throw UsageError("--shards is \(error.value), expected \(error.expected)")
        }
    }

    private static func report(
        _ options: Options, _ member: TeamMember?
    ) -> any TrainingReport {
        if let member, !member.isFirst { return NoReport() }
        if options.has("json") { return JSONLines(reportsSteps: options.has("steps")) }
        return isatty(STDERR_FILENO) == 1 ? ProgressBar() : PlainLines()
    }

    /// Opens the existential: a trainer works on one concrete network.
    private static func train(
        _ network: inout any Classifier, with trainer: inout Trainer,
        on training: any BatchSource, testing: any BatchSource, checkpoints: Checkpoints?,
        _ start: TrainingStart, report: inout any TrainingReport
    ) throws -> (history: TrainingHistory, interruption: (epochs: Int, steps: Int)?) {
        var interruption: (epochs: Int, steps: Int)?
        // In place: with a copy beside it, the first update would copy every parameter.
        func open<Model: Classifier>(_ model: inout Model) throws -> TrainingHistory {
            try trainer.train(
                &model, on: training, testing: testing, checkpoints: checkpoints,
                stop: StopSignals.request
            ) { event in
                switch event {
                // Whatever can be wrong with a checkpoint has been found out by now.
                case .started: report.start(start)
                case .interrupted(let epochs, let steps): interruption = (epochs, steps)
                default: break
                }
                try report.report(event)
            }
        }
        let history = try open(&network)
        return (history, interruption)
    }

    /// How weights are drawn; nil where the network may choose.
    ///
    /// - Throws: ``UsageError`` when `--initialization` names nothing.
    static func initialization(_ options: Options) throws -> Initialization? {
        guard let name = options.string("initialization") else { return nil }
        do throws(TensorError) {
            return try Initialization(name: name)
        } catch {
            throw UsageError("--initialization is \(error.value), expected \(error.expected)")
        }
    }

    /// The images to train with and those to judge by. A network for photographs learns what is done
    /// to them.
    private static func data(
        _ options: Options, _ folders: ImageFolders?, for network: inout Network, seed: UInt64
    ) throws -> (training: any BatchSource, test: any BatchSource) {
        guard let folders else {
            let augmentation = try augmentation(options) { name throws(TensorError) in
                try Augmentation(name: name)
            }
            return (
                try DataSets.training(options, seed: seed, augmentation: augmentation),
                try DataSets.test(options, limit: nil)
            )
        }
        let augmentation = try augmentation(options) { name throws(TensorError) in
            try ImageAugmentation(name: name)
        }
        return try folders.trainingData(for: &network, augmentation: augmentation, seed: seed)
    }

    /// What `--augment` says; nil where it is not given.
    private static func augmentation<Changes>(
        _ options: Options, _ read: (String) throws(TensorError) -> Changes
    ) throws(UsageError) -> Changes? {
        guard let text = options.string("augment") else { return nil }
        do throws(TensorError) {
            return try read(text)
        } catch {
            throw UsageError("--augment is \(error.value), expected \(error.expected)")
        }
    }
}
