// SPDX-License-Identifier: MIT
//
// --schedule and --warm-up: how the learning rate changes, in epochs, as people say it.

import ConvNet
import ConvNetOptions

/// A schedule whose length in steps is not known yet.
struct ScheduleOption {
    /// What `--schedule` may be.
    static let names =
        "constant, cosine, linear, one-cycle, one-cycle:RISE, step:EPOCHS or step:EPOCHS:FACTOR"

    private enum Course {
        case constant, cosine, linear
        case oneCycle(rise: Double)
        case step(epochs: Int, factor: Double)
    }

    private let course: Course
    /// For how many steps the learning rate rises.
    private let warmUp: Int
    /// Whether the recipe says so: for the recipe's number of epochs, and not for the call's.
    private let recipe: TrainingRecipe?
    private let isWarmUpImplied: Bool

    /// Takes the options apart.
    ///
    /// - Parameter recipe: what the network implies; nil for nothing.
    /// - Throws: ``UsageError`` when one of them is wrong.
    init(_ options: Options, _ recipe: TrainingRecipe?) throws(UsageError) {
        let warmUp = try options.int("warm-up", atLeast: 0)
        if let name = options.string("schedule") {
            course = try Self.course(name)
            self.recipe = nil
            (self.warmUp, isWarmUpImplied) = (warmUp ?? 0, false)
            return
        }
        self.recipe = recipe
        (self.warmUp, isWarmUpImplied) = (warmUp ?? recipe?.warmUp ?? 0, warmUp == nil)
        course =
            switch recipe?.schedule {
            case nil: .constant
            case .cosine: .cosine
            case .linear: .linear
            case .step(let epochs, let factor): .step(epochs: epochs, factor: factor)
            }
    }

    /// The schedule of a training; nil where the learning rate stays the same.
    ///
    /// - Throws: ``UsageError`` when the warm-up is longer than the schedule.
    func schedule(stepsPerEpoch: Int, epochs: Int) throws(UsageError) -> LearningRateSchedule? {
        func steps(_ epochs: Int) -> Int {
            let product = stepsPerEpoch.multipliedReportingOverflow(by: epochs)
            return product.overflow ? .max : product.partialValue
        }
        let course: LearningRateSchedule.Course =
            switch course {
            case .constant: .constant
            case .cosine: .cosine(steps: steps(epochs))
            case .linear: .linear(steps: steps(epochs))
            case .oneCycle(let rise): .oneCycle(steps: steps(epochs), rise: rise)
            case .step(let every, let factor):
                .step(every: steps(stepEpochs(every, of: epochs)), factor: factor)
            }
        let warmUp = warmUpSteps(of: steps(epochs))
        guard course != .constant || warmUp > 0 else { return nil }
        do throws(TensorError) {
            return try LearningRateSchedule(course, warmUpSteps: warmUp)
        } catch {
            throw UsageError("--warm-up is \(error.value), expected \(error.expected)")
        }
    }

    /// In words, with a comma in front; empty where the learning rate stays the same.
    func summary(stepsPerEpoch: Int, epochs: Int) -> String {
        let steps = stepsPerEpoch.multipliedReportingOverflow(by: epochs)
        let warmUp = warmUpSteps(of: steps.overflow ? .max : steps.partialValue)
        let rise = warmUp > 0 ? ", \(warmUp) steps of warm-up" : ""
        switch course {
        case .constant: return rise
        case .cosine: return "\(rise), cosine to 0"
        case .linear: return "\(rise), linear to 0"
        case .oneCycle: return "\(rise), one cycle"
        case .step(let every, let factor):
            let every = stepEpochs(every, of: epochs)
            return "\(rise), times \(factor) every \(every == 1 ? "epoch" : "\(every) epochs")"
        }
    }

    /// A recipe's steps are those of its own length; in a shorter training they come sooner.
    private func stepEpochs(_ every: Int, of epochs: Int) -> Int {
        guard let recipe, epochs < recipe.epochs else { return every }
        return max(Int((Double(every) * Double(epochs) / Double(recipe.epochs)).rounded()), 1)
    }

    /// A recipe's warm-up takes at most a tenth of the steps.
    private func warmUpSteps(of steps: Int) -> Int {
        isWarmUpImplied ? min(warmUp, steps / 10) : warmUp
    }

    private static func course(_ name: String) throws(UsageError) -> Course {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("constant", 1): return .constant
        case ("cosine", 1): return .cosine
        case ("linear", 1): return .linear
        case ("one-cycle", 1): return .oneCycle(rise: 0.3)
        case ("one-cycle", 2):
            if let rise = Double(parts[1]), rise > 0, rise < 1 { return .oneCycle(rise: rise) }
            throw UsageError("--schedule is \(name), expected a RISE between 0 and 1")
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
        throw UsageError("--schedule is \(name), expected \(names)")
    }
}
