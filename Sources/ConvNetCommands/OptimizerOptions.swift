// SPDX-License-Identifier: MIT
//
// The options that say how parameters are changed: the optimizer, its learning rate over
// time, weight decay, clipping, averages, and when to stop. Where none is given, a network's
// recipe may know.

import ConvNet
import ConvNetOptions

struct OptimizerOptions {
    static let options = [
        Option(
            "optimizer", "NAME",
            "\(Optimizers.names.joined(separator: ", ")); the recipe's, or adam.",
            choices: Optimizers.names),
        Option(
            "learning-rate", "X",
            "The step size; the recipe's, 0.001 for adam and adamw (lenet-1998: 0.002), or 0.01."),
        Option(
            "momentum", "X",
            "How much of the velocity sgd, momentum and nesterov keep; the recipe's, 0 for sgd, "
                + "or 0.9."),
        Option(
            "schedule", "NAME",
            "How the learning rate changes: \(ScheduleOption.names); the recipe's, or constant."),
        Option(
            "warm-up", "STEPS", "For how many steps it rises before that; the recipe's, or 0."),
        Option(
            "weight-decay", "X", "How much weights decay; the recipe's, 0.01 for adamw, or 0."),
        Option(
            "decay", "NAME",
            "What decays: all, or weights, which leaves out biases and normalizations; the "
                + "recipe's, or all.",
            choices: DecayedParameters.allCases.map(\.rawValue)),
        Option("clip", "BOUND", "norm:X or value:X, what gradients are clipped to; no bound."),
        Option("label-smoothing", "X", "The share of a label that all classes get alike; 0."),
        Option(
            "ema", "DECAY",
            "Keep an exponential moving average of the parameters, such as 0.999; it is what is "
                + "evaluated and what --out gets."),
        Option("patience", "EPOCHS", "Stop after so many epochs without a better one; never."),
    ]

    /// When training ends early.
    let earlyStopping: EarlyStopping?
    /// What to try where training diverges: a tenth, and no more than the default.
    let smallerLearningRate: Double
    /// The rule that changes parameters.
    let optimizer: any Optimizer
    /// How gradients are clipped.
    let clipping: GradientClipping?
    /// Which parameters decay.
    let decaying: DecayedParameters
    /// What is made small.
    let loss: any Loss
    /// The average that is kept.
    let averaging: MovingAverage?
    private let schedule: ScheduleOption

    /// Takes the options apart.
    ///
    /// - Parameters:
    ///   - recipe: what the network implies; nil for nothing.
    ///   - samples: the images of a step, which the recipe's learning rate is scaled by.
    /// - Throws: ``UsageError`` when one of them is wrong.
    init(_ options: Options, _ recipe: TrainingRecipe? = nil, samples: Int = 1) throws {
        let defaults = Defaults(options, recipe, samples: samples)
        optimizer = try Self.optimizer(
            options, defaults, learningRate: options.positiveNumber("learning-rate"))
        smallerLearningRate = try Self.smallerLearningRate(optimizer, options, defaults)
        schedule = try ScheduleOption(options, recipe)
        earlyStopping = try options.int("patience").map { try EarlyStopping(patience: $0) }
        decaying = try Self.decaying(options) ?? recipe?.decaying ?? .all
        do throws(TensorError) {
            let bound = options.string("clip")
            clipping = if let bound { try GradientClipping(name: bound) } else { nil }
        } catch {
            throw UsageError("--clip is \(error.value), expected \(error.expected)")
        }
        loss = try Self.loss(options)
        averaging = try options.number("ema").map { decay throws(UsageError) in
            do throws(TensorError) { return try MovingAverage(decay: decay) } catch {
                throw UsageError("--ema is \(error.value), expected \(error.expected)")
            }
        }
    }

    /// The schedule that the options ask for; nil where the learning rate stays the same.
    ///
    /// - Throws: ``UsageError`` when the warm-up is longer than the schedule.
    func schedule(stepsPerEpoch: Int, epochs: Int) throws(UsageError) -> LearningRateSchedule? {
        try schedule.schedule(stepsPerEpoch: stepsPerEpoch, epochs: epochs)
    }

    /// What a recipe says of the optimizer, unless the call names another.
    private struct Defaults {
        let optimizer: String
        var learningRate: Double?
        var momentum: Double?
        var weightDecay: Double?

        init(_ options: Options, _ recipe: TrainingRecipe?, samples: Int) {
            optimizer = options.string("optimizer") ?? (recipe == nil ? "adam" : "sgd")
            guard let recipe, optimizer == "sgd" else { return }
            // The linear rule: k times the images, k times the step (Goyal et al., "Accurate, large
            // minibatch SGD", 2017). Exactly the recipe's number for its own batches.
            learningRate = recipe.learningRate * (Double(samples) / Double(recipe.samples))
            momentum = recipe.momentum
            weightDecay = recipe.weightDecay
        }
    }

    private static func smallerLearningRate(
        _ optimizer: any Optimizer, _ options: Options, _ defaults: Defaults
    ) throws -> Double {
        let standard = try Self.optimizer(options, defaults, learningRate: nil).learningRate
        // Three digits: 0.7 / 10 would be 0.06999999999999999.
        let tenth = format("%.3g", optimizer.learningRate / 10)
        return min(Double(tenth) ?? standard, standard)
    }

    private static func optimizer(
        _ options: Options, _ defaults: Defaults, learningRate: Double?
    ) throws -> any Optimizer {
        let rate = try learningRate ?? defaults.learningRate ?? standardLearningRate(options)
        let decay = options.string("weight-decay")
        let number = decay.map { Double($0) ?? .nan } ?? defaults.weightDecay
        if let decay, let number, !(number >= 0 && number.isFinite) {
            throw UsageError("--weight-decay is \(decay), expected a number of at least 0")
        }
        let momentum = try options.number("momentum")
        if let momentum, !["sgd", "momentum", "nesterov"].contains(defaults.optimizer) {
            throw UsageError(
                "--momentum is \(momentum), expected none with \(defaults.optimizer)")
        }
        do throws(TensorError) {
            return try Optimizers.named(
                defaults.optimizer, learningRate: rate, weightDecay: number,
                momentum: momentum ?? defaults.momentum)
        } catch {
            let names = [
                "learningRate": "learning-rate", "weightDecay": "weight-decay",
                "momentum": "momentum",
            ]
            let name = names[error.argument] ?? "optimizer"
            throw UsageError(
                "--\(name) is \(options.string(name) ?? error.value), expected \(error.expected)")
        }
    }

    /// The step size that a network asks for by itself; nil where the optimizer's usual one suits
    /// it.
    ///
    /// Sigmoids pass on at most a quarter of a gradient: with Adam's usual 0.001, twelve epochs of
    /// LeNet's classic form on MNIST reach 0.980 to 0.985 of the test images, with 0.002 they reach
    /// 0.986 to 0.987.
    private static func standardLearningRate(_ options: Options) throws -> Double? {
        let isAdam = ["adam", "adamw"].contains(options.string("optimizer") ?? "adam")
        return try isAdam && Networks.name(options) == "lenet-1998" ? 0.002 : nil
    }

    private static func decaying(_ options: Options) throws(UsageError) -> DecayedParameters? {
        guard let name = options.string("decay") else { return nil }
        guard let found = DecayedParameters(rawValue: name) else {
            throw UsageError("--decay is \(name), expected all or weights")
        }
        return found
    }

    private static func loss(_ options: Options) throws -> any Loss {
        guard let smoothing = try options.number("label-smoothing") else {
            return SoftmaxCrossEntropy.standard
        }
        do throws(TensorError) { return try SoftmaxCrossEntropy(labelSmoothing: smoothing) } catch {
            throw UsageError("--label-smoothing is \(error.value), expected \(error.expected)")
        }
    }
}

extension OptimizerOptions {
    /// All of it in a line, for people.
    func summary(samples: Int, stepsPerEpoch: Int, epochs: Int) -> String {
        let momentum = optimizer.configuration["momentum"].map { " with momentum \($0)" } ?? ""
        let decay =
            optimizer.weightDecay > 0
            ? ", weight decay \(optimizer.weightDecay) of \(decaying == .all ? "all" : "weights")"
            : ""
        return "\(optimizer.configuration["optimizer"] ?? "optimizer")\(momentum), learning rate "
            + "\(format("%.4g", optimizer.learningRate))"
            + schedule.summary(stepsPerEpoch: stepsPerEpoch, epochs: epochs)
            + "\(decay), \(samples) images per step"
    }
}
