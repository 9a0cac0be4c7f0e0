// SPDX-License-Identifier: MIT
//
// What becomes of many numbers that are made into one. The native kernels have theirs in
// CSources/CConvKernels/include/convk_elementwise.h, under the same names.

/// A function of the numbers along some axes of a tensor.
public enum Reduction: String, Sendable, Hashable, CaseIterable {
    /// The sum.
    case sum
    /// The sum divided by the count.
    case mean
    /// The largest number; NaN where one is.
    case maximum
    /// The smallest number; NaN where one is.
    case minimum
    /// The root of the sum of squares.
    case l2

    /// The name in files, and in the native kernels' table.
    public var name: String { rawValue }

    /// What becomes of some numbers, in their order.
    public func value(_ numbers: some Collection<Double>) -> Double {
        switch self {
        case .sum: numbers.reduce(0, +)
        case .mean: numbers.reduce(0, +) / Double(numbers.count)
        case .maximum:
            numbers.reduce(-.infinity) { BinaryOperation.maximum.value($0, $1) }
        case .minimum:
            numbers.reduce(.infinity) { BinaryOperation.minimum.value($0, $1) }
        case .l2: numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
    }

    /// What the reduction is called in ONNX.
    package var onnx: String {
        switch self {
        case .sum: "ReduceSum"
        case .mean: "ReduceMean"
        case .maximum: "ReduceMax"
        case .minimum: "ReduceMin"
        case .l2: "ReduceL2"
        }
    }
}
