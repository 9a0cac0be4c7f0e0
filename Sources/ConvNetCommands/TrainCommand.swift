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
            Option(
                "batch-size", "N",
                "Images that are computed together; the recipe's (that of a named network, shown "
                    + "at the start), or 100."),
            Option(
                "accumulate", "N",
                "Batches in a step: their gradients are added, in the memory of one; the "
                    + "recipe's, or 1."),
            Option("drop-last", "Leave out the images at an epoch's end that fill no batch."),
        ] + OptimizerOptions.options + TrainedPartOptions.options + [
            Option(
                "from", "FILE", "Begin with this network (safetensors, or ONNX), not a new one."),
            Option(
                "new-output",
                "With --from, put a new last layer in the place of the network's, with an output "
                    + "for each class of --data."),
            Option(
                "initialization", "NAME",
                "he, xavier, or a standard deviation; what suits the network."),
            Option(
                "hold-out", "SHARE",
                "Judge epochs by this share of the images, which are not trained with; the test "
                    + "images are then looked at once, at the end."),
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
        ] + TrainingLogs.options + CheckpointOptions.options + [
            Option("json", "Report as JSON, a line an epoch and one at the end."),
            Option("steps", "With --json, a line a step too."),
        ]

    package static func run(_ options: Options) throws { try run(options, as: nil) }

    /// Trains, alone or as one of a team.
    ///
    /// - Parameter member: this process's place in the team; nil where it trains alone.
    /// - Throws: ``UsageError`` when an option is wrong, and what reading, training and
    ///   writing throw.
    package static func run(_ options: Options, as member: TeamMember?) throws {
        try Networks.requireClassifier(options)
        let epochs = try options.int("epochs") ?? 3
        let recipe = try TrainingRecipe.implied(by: options)
        let (batchSize, parts) = try step(options, recipe)
        let dropsLast = options.has("drop-last")
        let seed = UInt64(try options.int("seed", atLeast: 0) ?? 1)
        let optimizers = try OptimizerOptions(options, recipe, samples: batchSize)
        let initialization = try initialization(options)
        let kernels = try options.nativeKernels(standardThreads: member?.standardThreads)
        let files = try TrainingFiles(options, seed: seed, isWriter: member?.isFirst ?? true)
        let folders = try ImageFolders(options, holdingOutBy: seed)
        // Digits have a right side: a recipe's changes are for photographs.
        let changes = options.string("augment") ?? (folders == nil ? nil : recipe?.augmentation)
        var network = try network(
            options, seed: seed, initialization, kernels, for: folders?.kind(options) ?? .digits)
        let (images, test) = try data(
            options, folders, changedBy: changes, for: &network.network, seed: seed)
        let (training, heldOut) = try split(images, options, seed: seed)
        let stepsPerEpoch =
            dropsLast ? training.sampleCount / batchSize : training.batchCount(size: batchSize)
        var trainer = try Trainer(
            optimizer: optimizers.optimizer,
            schedule: optimizers.schedule(stepsPerEpoch: stepsPerEpoch, epochs: epochs),
            clipping: optimizers.clipping, decaying: optimizers.decaying, loss: optimizers.loss,
            batchSize: batchSize, dropLast: dropsLast,
            epochs: epochs, earlyStopping: optimizers.earlyStopping,
            averaging: optimizers.averaging,
            batchesAhead: options.int("batches-ahead", atLeast: 0) ?? 2,
            sharding: sharding(options, parts: parts, seed: seed, kernels, member))
        TrainedPartOptions.apply(options, to: &trainer)

        var report = report(options, member)
        let summary = optimizers.summary(
            samples: batchSize, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
        let start = TrainingStart(
            samples: training.sampleCount, batchSize: batchSize, epochs: epochs,
            threads: kernels.threads, ranks: member?.averager.rankCount ?? 1,
            resumed: files.checkpoints?.resuming?.progress,
            judge: heldOut == nil ? "test" : "held-out",
            recipe: recipe?.line(summary, changes: changes, epochs: epochs))
        var logs = try TrainingLogs(options, isWriter: member?.isFirst ?? true)
        StopSignals.watch()
        let result: (history: TrainingHistory, interruption: (epochs: Int, steps: Int)?)
        do {
            result = try train(
                &network, with: &trainer, on: training, testing: heldOut ?? test,
                checkpoints: files.checkpoints, start, report: &report, logs: &logs)
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
        let final: any Classifier = try trainer.averaged(network)
        if heldOut != nil, member?.isFirst ?? true {
            try report.tested(final.accuracy(test, batchSize: 100))
        }
        if let output = files.output {
            try final.save(to: output)
            report.wrote(output.path)
        }
    }

    /// The network to train: that of `--from`, or a new one.
    private static func network(
        _ options: Options, seed: UInt64, _ initialization: Initialization?,
        _ kernels: NativeKernels, for images: ImageKind
    ) throws -> any Classifier {
        guard let file = options.string("from") else {
            guard !options.has("new-output") else {
                throw UsageError("--new-output is given, expected --from beside it")
            }
            return try Networks.make(
                options, seed: seed, initialization: initialization, for: images,
                kernels: kernels)
        }
        if let name = options.string("initialization") {
            throw UsageError("--initialization is \(name), expected none beside --from")
        }
        var network = try Networks.load(URL(fileURLWithPath: file), options, for: images)
        network.kernels = kernels
        guard options.has("new-output") else {
            // A label beyond them would end the first step; folders' classes are compared later.
            let output = network.network.outputShape
            guard output.count != 1 || output[0] >= images.classes else {
                throw ImageFolders.otherClasses(
                    images.classes, than: output, mayBeReplaced: true)
            }
            return network
        }
        var changed = network.network
        try changed.replaceOutput(classes: images.classes, seed: seed)
        return changed
    }

    /// The images to train with, and those that are held out of them; nil where none are.
    private static func split(
        _ images: any BatchSource, _ options: Options, seed: UInt64
    ) throws -> (training: any BatchSource, heldOut: (any BatchSource)?) {
        guard let share = try options.number("hold-out") else { return (images, nil) }
        do throws(TensorError) {
            let parts = try images.split(holdingOut: share, seed: seed)
            return (parts.training, parts.heldOut)
        } catch {
            throw UsageError("--hold-out is \(share), expected \(error.expected)")
        }
    }

    /// How many images make a step, and in how many parts they are computed.
    private static func step(
        _ options: Options, _ recipe: TrainingRecipe?
    ) throws(UsageError) -> (images: Int, parts: Int) {
        let given = try options.int("batch-size")
        // A given batch size is that of the step, unless the number of batches per step is given
        // too.
        let implied = given == nil ? recipe?.accumulation : nil
        let parts = try options.int("accumulate") ?? implied ?? 1
        let (images, overflow) = (given ?? recipe?.batchSize ?? 100)
            .multipliedReportingOverflow(by: parts)
        guard !overflow, parts <= Sharding.largestCount else {
            throw UsageError(
                "--accumulate is \(parts), expected at most \(Sharding.largestCount)")
        }
        return (images, parts)
    }

    /// How batches are cut into shards; nil where they are not. Gradients are accumulated over
    /// shards.
    private static func sharding(
        _ options: Options, parts: Int, seed: UInt64, _ kernels: NativeKernels,
        _ member: TeamMember?
    ) throws -> Sharding? {
        let shards = try options.int("shards") ?? (member == nil && parts > 1 ? parts : nil)
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
        _ start: TrainingStart, report: inout any TrainingReport, logs: inout TrainingLogs
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
                case .started(let progress):
                    report.start(start)
                    try logs.start(at: progress)
                case .interrupted(let epochs, let steps): interruption = (epochs, steps)
                default: break
                }
                try report.report(event)
                try logs.report(event)
            } onEpoch: { record, network in
                try logs.endEpoch(record, of: network)
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

    /// The images to train with and those to judge by. A network for photographs learns what
    /// is done to them.
    ///
    /// - Parameter changes: how the images to train with are changed at random; nil for not at all.
    private static func data(
        _ options: Options, _ folders: ImageFolders?, changedBy changes: String?,
        for network: inout Network, seed: UInt64
    ) throws -> (training: any BatchSource, test: any BatchSource) {
        guard let folders else {
            let augmentation = try augmentation(changes) { name throws(TensorError) in
                try Augmentation(name: name)
            }
            return (
                try DataSets.training(options, seed: seed, augmentation: augmentation),
                try DataSets.test(options, limit: nil)
            )
        }
        let augmentation = try augmentation(changes) { name throws(TensorError) in
            try ImageAugmentation(name: name)
        }
        return try folders.trainingData(for: &network, augmentation: augmentation, seed: seed)
    }

    /// What a list of changes says; nil where there is none.
    private static func augmentation<Changes>(
        _ text: String?, _ read: (String) throws(TensorError) -> Changes
    ) throws(UsageError) -> Changes? {
        guard let text else { return nil }
        do throws(TensorError) {
            return try read(text)
        } catch {
            throw UsageError("--augment is \(error.value), expected \(error.expected)")
        }
    }
}
