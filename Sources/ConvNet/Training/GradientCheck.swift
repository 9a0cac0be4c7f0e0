// SPDX-License-Identifier: MIT
//
// Backpropagation against central differences, "Deep Learning from Scratch", section 4.4, for every
// parameter of a network, as the next training step would compute: with the masks of that step and
// the statistics of the batch. In `Double`, where differences keep their digits.

/// A comparison of analytical with numerical gradients.
///
/// ```swift
/// let check = try GradientCheck(of: network, x, labels: [3, 1], on: ReferenceKernels())
/// for row in check.rows { print(row.parameter, row.largestDifference, row.passed) }
/// ```
///
/// A difference's truncation error is h²/6 times a third derivative, and one over twice the width
/// has four times as much: the two differ by three times the error. Rounding adds that of the loss
/// over the step. Where the two differ by more than a ten-thousandth, a ReLU or a maximum may have
/// changed sides within the step, and a tenth of the step is taken.
public struct GradientCheck: Sendable {
    /// What was found of one parameter.
    public struct Row: Sendable {
        /// The parameter's name, such as `W1`.
        public let parameter: String
        /// Its shape.
        public let shape: [Int]
        /// How many of its elements were checked.
        public let checked: Int
        /// The difference, at the element where it was the largest part of its bound.
        public let largestDifference: Double
        /// The bound at that element.
        public let bound: Double
        /// Whether every difference was within its bound.
        public let passed: Bool
    }

    /// The parameters in order.
    public let rows: [Row]
    /// Whether all gradients are right.
    public var passed: Bool { rows.allSatisfy(\.passed) }

    /// Checks a network's gradients. Each element takes at least four passes through the network.
    ///
    /// - Parameters:
    ///   - model: the network; a copy of it computes in `float64`.
    ///   - x: samples `[N, C, H, W]`. Where a ReLU sees exactly 0, or a maximum comes twice, there
    ///     is no gradient to compare with: drawn numbers suit, and biases that are not 0.
    ///   - labels: N classes.
    ///   - kernels: kernels that take `float64`, such as `ReferenceKernels`.
    ///   - elements: how many elements of each parameter are checked, drawn from the seed; all of
    ///     them when nil or where there are no more.
    ///   - seed: what they are drawn from.
    /// - Throws: ``TensorError`` when a shape or label is wrong, the kernels lack `float64`, or the
    ///   number of elements is below 1.
    public init(
        of model: some Classifier, _ x: Tensor, labels: [Int], on kernels: any Kernels,
        elements: Int? = nil, seed: UInt64 = 0
    ) throws {
        if let elements, elements < 1 {
            throw TensorError(
                operation: "GradientCheck", argument: "elements", value: "\(elements)",
                expected: "at least 1")
        }
        let x = try x.converted(to: .float64)
        var network = try model.network.converted(to: .float64, kernels: kernels)
        let gradients = try network.gradient(x, labels: labels)
        let rounding = try LossRounding.bound(of: network, x, labels: labels)
        var rows: [Row] = []
        for (index, (name, gradient)) in gradients.enumerated() {
            let places = Self.places(gradient.count, elements, seed: seed, stream: UInt64(index))
            var (worst, worstPart, passed) = (Comparison(difference: 0, bound: 0), -1.0, true)
            let analytical = gradient.doubles
            for place in places {
                let comparison = try Self.compare(analytical[place], rounding: rounding) { shift in
                    try network.loss(x, labels: labels, shifting: index, at: place, by: shift)
                }
                if !comparison.passed { passed = false }
                if comparison.part > worstPart {
                    (worst, worstPart) = (comparison, comparison.part)
                }
            }
            rows.append(
                Row(
                    parameter: name, shape: gradient.shape, checked: places.count,
                    largestDifference: worst.difference, bound: worst.bound, passed: passed))
        }
        self.rows = rows
    }

    /// A difference and what it may be.
    private struct Comparison {
        let difference: Double
        let bound: Double

        // NaN never passes, and counts as the worst there is.
        var passed: Bool { difference <= bound }
        var part: Double { difference == 0 ? 0 : passed ? difference / bound : .infinity }
    }

    /// Compares one element's gradient with central differences.
    ///
    /// - Parameter loss: the loss with the element shifted by so much, and how far it really moved.
    private static func compare(
        _ gradient: Double, rounding: Double,
        _ loss: (Double) throws -> (loss: Double, moved: Double)
    ) throws -> Comparison {
        func slope(_ step: Double) throws -> Double {
            let (right, left) = (try loss(step), try loss(-step))
            return (right.loss - left.loss) / (right.moved - left.moved)
        }
        var comparison = Comparison(difference: .infinity, bound: 0)
        for step in [1e-4, 1e-5, 1e-6] {
            let (narrow, wide) = (try slope(step), try slope(2 * step))
            let truncation = abs(wide - narrow)
            // Each of both losses is off by that; their difference is divided by twice the step.
            let bound = truncation + rounding / step
            comparison = Comparison(difference: abs(gradient - narrow), bound: bound)
            let isSmooth = truncation <= 1e-4 * abs(narrow) + 2 * rounding / step
            if isSmooth, comparison.passed { break }
        }
        return comparison
    }

    /// Different places of a parameter, in order.
    private static func places(
        _ count: Int, _ elements: Int?, seed: UInt64, stream: UInt64
    ) -> [Int] {
        guard let elements, elements < count else { return Array(0..<count) }
        var generator = Philox(seed: seed, stream: stream)
        var places: Set<Int> = []
        while places.count < elements {
            places.insert(Int(generator.next().multipliedFullWidth(by: UInt64(count)).high))
        }
        return places.sorted()
    }
}

extension Network {
    /// The mean loss that the next training step would find if one number of a parameter were
    /// another.
    ///
    /// - Returns: the loss, and how far the number really moved, after rounding.
    fileprivate mutating func loss(
        _ x: Tensor, labels: [Int], shifting parameter: Int, at place: Int, by shift: Double
    ) throws -> (loss: Double, moved: Double) {
        var (before, moved) = (0.0, 0.0)
        func change(_ body: (inout Double) -> Void) throws {
            try updateParameters { parameters in
                try parameters[parameter].makeUnique(operation: "GradientCheck")
                parameters[parameter].withUnsafeMutableScalars(of: Double.self) {
                    body(&$0[place])
                }
            }
        }
        try change {
            before = $0
            $0 += shift
            moved = $0 - before
        }
        let loss = try trainingLoss(x, labels: labels)
        try change { $0 = before }
        return (loss, moved)
    }
}
