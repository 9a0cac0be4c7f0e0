// SPDX-License-Identifier: MIT
//
// The operations on two tensors, each in one place: formula, gradients, name, what it is in ONNX.
// The reference kernels, the layers, files and tests read them here; the native kernels have theirs
// in CSources/CConvKernels/include/convk_elementwise.h, under the same names.

/// A function of two numbers, applied to the numbers of two tensors that lie at the same place.
public enum BinaryOperation: String, Sendable, Hashable, CaseIterable {
    /// `a + b`.
    case add
    /// `a − b`.
    case subtract
    /// `a · b`.
    case multiply
    /// `a / b`.
    case divide
    /// `a` to the power of `b`, as C's `pow`.
    case power
    /// The smaller number; NaN where one of them is. Equal ones get half of the gradient each.
    case minimum
    /// The larger number; NaN where one of them is. Equal ones get half of the gradient each.
    case maximum
    /// `a > 0 ? a : b · a`, the parametric rectifier; the gradient at 0 is that of the slope b.
    case prelu

    /// One of the two tensors of an operation.
    public enum Operand: Sendable, Hashable, CaseIterable {
        /// The first, `a`.
        case a
        /// The second, `b`.
        case b
    }

    /// The name in files, and in the native kernels' table.
    public var name: String { rawValue }

    /// The function. NaN stays NaN, except where C's `pow` knows better.
    public func value(_ a: Double, _ b: Double) -> Double {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .power: raised(a, to: b)
        case .minimum: a < b || a.isNaN ? a : b
        case .maximum: a > b || a.isNaN ? a : b
        case .prelu: a > 0 ? a : b * a
        }
    }

    /// The gradient of one operand, as PyTorch has it.
    ///
    /// - Parameters:
    ///   - operand: whose gradient it is.
    ///   - dy: the gradient of the result.
    ///   - a: the first number.
    ///   - b: the second.
    public func gradient(of operand: Operand, _ dy: Double, _ a: Double, _ b: Double) -> Double {
        switch (self, operand) {
        case (.add, _), (.subtract, .a): return dy
        case (.subtract, .b): return -dy
        case (.multiply, .a): return dy * b
        case (.multiply, .b): return dy * a
        case (.divide, .a): return dy / b
        case (.divide, .b): return -dy * (a / b) / b
        case (.power, .a): return b == 0 ? 0 : dy * (b * raised(a, to: b - 1))
        case (.power, .b):
            // Where 0 is raised to a power from 0 on, the power is a constant.
            return a == 0 && b >= 0 ? 0 : dy * (raised(a, to: b) * logarithm(a))
        case (.minimum, .a), (.maximum, .b): return a == b ? dy / 2 : a > b ? 0 : dy
        case (.minimum, .b), (.maximum, .a): return a == b ? dy / 2 : a < b ? 0 : dy
        case (.prelu, .a): return a > 0 ? dy : b * dy
        case (.prelu, .b): return a > 0 ? 0 : dy * a
        }
    }

    /// What the operation is called in ONNX.
    package var onnx: String {
        switch self {
        case .add: "Add"
        case .subtract: "Sub"
        case .multiply: "Mul"
        case .divide: "Div"
        case .power: "Pow"
        case .minimum: "Min"
        case .maximum: "Max"
        case .prelu: "PRelu"
        }
    }
}

/// The case `power` hides the function of that name.
private func raised(_ base: Double, to exponent: Double) -> Double { power(base, exponent) }
