// SPDX-License-Identifier: MIT
//
// How the learning rate changes during training. A schedule is a function of the step's number, so
// that training can stop anywhere and be resumed.

import ConvNetTensor

/// What the learning rate is multiplied by in each step.
///
/// ```swift
/// // 500 steps up, then half a cosine down to 0 at step 10,000.
/// let schedule = try LearningRateSchedule(.cosine(steps: 10_000), warmUpSteps: 500)
/// ```
public struct LearningRateSchedule: Sendable, Hashable {
    /// The course after the warm-up.
    public enum Course: Sendable, Hashable {
        /// The learning rate as it is.
        case constant
        /// Multiplied by a factor every given number of steps (PyTorch's StepLR).
        case step(every: Int, factor: Double = 0.1)
        /// Half a cosine from the learning rate down to 0 at the given step (Loshchilov and Hutter,
        /// "SGDR: stochastic gradient descent with warm restarts", 2017; PyTorch's
        /// CosineAnnealingLR with eta_min 0); 0 afterwards.
        case cosine(steps: Int)
        /// A straight line from the learning rate down to 0 at the given step (PyTorch's
        /// PolynomialLR with power 1); 0 afterwards.
        case linear(steps: Int)
        /// Half a cosine up from a 25th of the learning rate, for the given share of the
        /// steps, then half a cosine down to a 250,000th (Smith and Topin,
        /// "Super-convergence", 2018; PyTorch's OneCycleLR, with a momentum that stays). It
        /// rises by itself: there is no warm-up.
        case oneCycle(steps: Int, rise: Double = 0.3)
    }

    /// The course after the warm-up.
    public let course: Course
    /// For how many steps the learning rate rises evenly to its full size, which the last of them
    /// has; 0 for no warm-up.
    public let warmUpSteps: Int

    /// A schedule.
    ///
    /// - Throws: ``TensorError`` when a number of steps is below 1 (of the warm-up, below 0), the
    ///   factor is not above 0 and in `Float`'s range, a cosine or a line ends before the warm-up
    ///   does, the rise is not between 0 and 1, or there is a warm-up with one cycle.
    public init(_ course: Course, warmUpSteps: Int = 0) throws(TensorError) {
        let operation = "LearningRateSchedule"
        func fail(_ argument: String, _ value: Any, _ expected: String) -> TensorError {
            TensorError(
                operation: operation, argument: argument, value: "\(value)", expected: expected)
        }
        guard warmUpSteps >= 0 else { throw fail("warmUpSteps", warmUpSteps, "at least 0") }
        switch course {
        case .constant: break
        case .step(let every, let factor):
            guard every >= 1 else { throw fail("every", every, "at least 1") }
            guard factor > 0, factor.isFinite else {
                throw fail("factor", factor, "a finite number above 0")
            }
            guard FloatRange.contains(factor) else { throw fail("factor", factor, FloatRange.rule) }
        case .cosine(let steps), .linear(let steps):
            guard steps >= 1 else { throw fail("steps", steps, "at least 1") }
            guard steps > warmUpSteps else {
                let name = if case .linear = course { "line" } else { "cosine" }
                throw fail("warmUpSteps", warmUpSteps, "less than the \(name)'s \(steps) steps")
            }
        case .oneCycle(let steps, let rise):
            guard steps >= 1 else { throw fail("steps", steps, "at least 1") }
            guard rise > 0, rise < 1 else { throw fail("rise", rise, "between 0 and 1") }
            guard warmUpSteps == 0 else {
                throw fail("warmUpSteps", warmUpSteps, "0 with one cycle, which rises by itself")
            }
        }
        self.course = course
        self.warmUpSteps = warmUpSteps
    }

    /// What the learning rate is multiplied by.
    ///
    /// - Parameter step: the step's number over all epochs, from 0.
    public func factor(atStep step: Int) -> Double {
        if step < warmUpSteps { return Double(step + 1) / Double(warmUpSteps) }
        switch course {
        case .constant: return 1
        case .step(let every, let factor): return power(factor, step / every)
        case .cosine(let steps):
            let share = Double(step - warmUpSteps) / Double(steps - warmUpSteps)
            return share < 1 ? (1 + cosine(.pi * share)) / 2 : 0
        case .linear(let steps):
            let share = Double(step - warmUpSteps) / Double(steps - warmUpSteps)
            return max(1 - share, 0)
        case .oneCycle(let steps, let rise):
            return Self.oneCycle(step, of: Double(steps), rise: rise)
        }
    }

    /// PyTorch's two phases: the first ends a step before its share of the steps, the
    /// second at the last.
    private static func oneCycle(_ step: Int, of steps: Double, rise: Double) -> Double {
        let (begin, end) = (1.0 / 25, 1.0 / 25 / 1e4)
        let top = rise * steps - 1
        func between(_ from: Double, _ to: Double, _ share: Double) -> Double {
            to + (from - to) / 2 * (1 + cosine(.pi * min(share, 1)))
        }
        if Double(step) <= top { return between(begin, 1, top > 0 ? Double(step) / top : 1) }
        let length = steps - 1 - top
        return between(1, end, length > 0 ? (Double(step) - top) / length : 1)
    }
}

extension LearningRateSchedule {
    /// What must be the same where training is resumed.
    var configuration: [String: String] {
        ["schedule": "\(course)", "warmUpSteps": "\(warmUpSteps)"]
    }
}
