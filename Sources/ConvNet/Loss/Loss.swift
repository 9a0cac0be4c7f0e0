// SPDX-License-Identifier: MIT
//
// What training minimizes. A loss is a function of a network's output and of what it should have
// been; your own conforms to the protocol.

/// A number that says how wrong a network's output is, with its gradient.
///
/// ```swift
/// struct AbsoluteError: Loss {
///     func evaluate(
///         _ output: Tensor, _ targets: Targets, on kernels: any Kernels
///     ) throws -> LossAndGradient {
///         let differences = try output - targets.values(like: output)
///         …
///     }
/// }
/// ```
public protocol Loss: Sendable {
    /// The mean loss of a batch, and its gradient with respect to the output.
    ///
    /// - Parameters:
    ///   - output: what the network gave, the samples first.
    ///   - targets: what it should have been.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when the targets don't suit the output.
    func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient

    /// What must be the same where training is resumed, as text by name; by default the type's
    /// name under `loss`.
    var configuration: [String: String] { get }
}

extension Loss {
    /// The type's name.
    public var configuration: [String: String] { ["loss": "\(Self.self)"] }
}

extension Targets {
    /// The values, if they have the output's shape.
    ///
    /// - Throws: ``TensorError`` when they are labels, or of another shape or number type.
    public func values(like output: Tensor, operation: String = "loss") throws(TensorError)
        -> Tensor
    {
        guard case .values(let values) = self else {
            throw TensorError(
                operation: operation, argument: "targets", value: "labels",
                expected: "values of the output's shape, \(output.shape)")
        }
        try KernelChecks.require(
            values, matches: output, operation: operation, argument: "targets")
        return values
    }
}
