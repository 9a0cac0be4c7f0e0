// SPDX-License-Identifier: MIT
//
// The options that say how parameters are changed: the optimizer, its learning rate over time, weight
// decay, clipping, and when to stop.

import ConvNet
import ConvNetOptions

struct OptimizerOptions {
    static let options = [
        Option(
            "optimizer", "NAME", "\(Optimizers.names.joined(separator: ", ")); adam.",
            choices: Optimizers.names),
        Option(
            "learning-rate", "X",
            "The step size; 0.001 for adam and adamw (lenet-1998: 0.002), 0.01 otherwise."),
        Option("schedule", "NAME", "How it changes: \(schedules); constant."),
        Option("warm-up", "STEPS", "For how many steps it rises before that; 0."),
        Option("weight-decay", "X", "How much weights decay; 0, 0.01 for adamw."),
        Option("clip", "BOUND", "norm:X or value:X, what gradients are clipped to; no bound."),
        Option("patience", "EPOCHS", "Stop after so many epochs without a better one; never."),
    ]

    private static let schedules = "constant, cosine, step:EPOCHS or step:EPOCHS:FACTOR"

    /// When training ends early.
    let earlyStopping: EarlyStopping?
    /// What to try where training diverges: a tenth, and no more than the default.
    let smallerLearningRate: Double
    /// The rule that changes parameters.
    let optimizer: any Optimizer
    private let schedule: Schedule
    private let warmUp: Int
    /// How gradients are clipped.
    let clipping: GradientClipping?

    /// A schedule whose length in steps is not known yet.
    private enum Schedule {
        case constant, cosine
        case step(epochs: Int, factor: Double)
    }

    /// Takes the options apart.
    ///
    /// - Throws: ``UsageError`` when one of them is wrong.
    init(_ options: Options) throws {
        optimizer = try Self.optimizer(
            options, learningRate: options.positiveNumber("learning-rate"))
        smallerLearningRate = try Self.smallerLearningRate(optimizer, options)
        schedule = try Self.schedule(options.string("schedule") ?? "constant")
        warmUp = try options.int("warm-up", atLeast: 0) ?? 0
        earlyStopping = try options.int("patience").map { try EarlyStopping(patience: $0) }
        do throws(TensorError) {
            let bound = options.string("clip")
            clipping = if let bound { try GradientClipping(name: bound) } else { nil }
        } catch {
            throw UsageError("--clip is \(error.value), expected \(error.expected)")
        }
    }

    /// The schedule that the options ask for; nil where the learning rate stays the same.
    ///
    /// - Throws: ``UsageError`` when the warm-up is longer than the schedule.
    func schedule(stepsPerEpoch: Int, epochs: Int) throws(UsageError) -> LearningRateSchedule? {
        func steps(_ epochs: Int) -> Int {
            let product = stepsPerEpoch.multipliedReportingOverflow(by: epochs)
            return product.overflow ? .max : product.partialValue
        }
        let course: LearningRateSchedule.Course =
            switch schedule {
            case .constant: .constant
            case .cosine: .cosine(steps: steps(epochs))
            case .step(let epochs, let factor): .step(every: steps(epochs), factor: factor)
            }
        guard course != .constant || warmUp > 0 else { return nil }
        do throws(TensorError) {
            return try LearningRateSchedule(course, warmUpSteps: warmUp)
        } catch {
            throw UsageError("--warm-up is \(error.value), expected \(error.expected)")
        }
    }

    private static func smallerLearningRate(
        _ optimizer: any Optimizer, _ options: Options
    ) throws -> Double {
        let standard = try Self.optimizer(options, learningRate: nil).learningRate
        // Three digits: 0.7 / 10 would be 0.06999999999999999.
        let tenth = format("%.3g", optimizer.learningRate / 10)
        return min(Double(tenth) ?? standard, standard)
    }

    private static func optimizer(
        _ options: Options, learningRate: Double?
    ) throws -> any Optimizer {
        let learningRate = try learningRate ?? standardLearningRate(options)
        let decay = options.string("weight-decay")
        let number = decay.map { Double($0) ?? .nan }
        if let decay, let number, !(number >= 0 && number.isFinite) {
            throw UsageError("--weight-decay is \(decay), expected a number of at least 0")
        }
        do throws(TensorError) {
            return try Optimizers.named(
                options.string("optimizer") ?? "adam", learningRate: learningRate,
                weightDecay: number)
        } catch {
            let names = ["learningRate": "learning-rate", "weightDecay": "weight-decay"]
            let name = names[error.argument] ?? "optimizer"
            throw UsageError(
                "--\(name) is \(options.string(name) ?? error.value), expected \(error.expected)")
        }
    }

    /// The step size that a network asks for by itself; nil where the optimizer's usual one suits it.
    ///
    /// Sigmoids pass on at most a quarter of a gradient: with Adam's usual 0.001, twelve epochs of
    /// LeNet's classic form on MNIST reach 0.980 to 0.985 of the test images, with 0.002 they reach
    /// 0.986 to 0.987.
    private static func standardLearningRate(_ options: Options) throws -> Double? {
        let isAdam = ["adam", "adamw"].contains(options.string("optimizer") ?? "adam")
        return try isAdam && Networks.name(options) == "lenet-1998" ? 0.002 : nil
    }

    private static func schedule(_ name: String) throws(UsageError) -> Schedule {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("constant", 1): return .constant
        case ("cosine", 1): return .cosine
        case ("step", 2...3):
            let factor = parts.count == 3 ? Double(parts[2]) : 0.1
            if let factor, factor > 0, factor.isFinite, !FloatRange.contains(factor) {
                throw UsageError("--schedule is \(name), expected a FACTOR \(FloatRange.rule)")
            }
            if let epochs = Int(parts[1]), epochs >= 1, let factor, FloatRange.contains(factor) {
                return .step(epochs: epochs, factor: factor)
            }
        default: break
        }
        throw UsageError("--schedule is \(name), expected \(schedules)")
    }
}
