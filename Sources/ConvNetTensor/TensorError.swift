// SPDX-License-Identifier: MIT
//
// The one error for a wrong argument, thrown by tensors, windows, kernels and layers alike.

/// An argument that an operation can't work with: which one, what it was, what was expected.
///
/// The description is one line meant for people:
/// `convolution: weights is [30, 3, 5, 5], expected [F, 1, 5, 5]`.
public struct TensorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operation that refused, such as `im2col`.
    public let operation: String
    /// The name of the argument as it stands in the operation's signature.
    public let argument: String
    /// The value that was given, as text.
    public let value: String
    /// The rule that the value breaks, as text: what would have been right.
    public let expected: String

    /// An error about one argument of one operation.
    public init(operation: String, argument: String, value: String, expected: String) {
        self.operation = operation
        self.argument = argument
        self.value = value
        self.expected = expected
    }

    /// One line that names the operation, the argument, its value and the rule.
    public var description: String { "\(operation): \(argument) is \(value), expected \(expected)" }
}
