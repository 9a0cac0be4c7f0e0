// SPDX-License-Identifier: MIT
//
// The leaky rectifier; Maas et al., "Rectifier nonlinearities improve neural network acoustic models",
// 2013.

/// `x > 0 ? x : negativeSlope · x` for each number, of any shape. NaN stays NaN; the gradient at 0 is
/// the slope.
public struct LeakyReLU: Layer {
    /// The factor of negative numbers.
    public let negativeSlope: Double
    private var input: Tensor?

    /// A layer without parameters.
    ///
    /// - Throws: ``TensorError`` when the slope is not finite.
    public init(negativeSlope: Double = 0.01) throws {
        guard negativeSlope.isFinite else {
            throw TensorError(
                operation: "LeakyReLU", argument: "negativeSlope", value: "\(negativeSlope)",
                expected: "a finite number")
        }
        self.negativeSlope = negativeSlope
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.leakyReLU(x, negativeSlope: negativeSlope)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let y = try predict(x, on: kernels)
        input = x
        return y
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let x = try Self.kept(input)
        try require(outputGradient, fitsInput: x.shape)
        input = nil
        guard needsInputGradient else { return nil }
        return try kernels.leakyReLUGradient(
            outputGradient, input: x, negativeSlope: negativeSlope)
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> LeakyReLU {
        try LeakyReLU(negativeSlope: negativeSlope)
    }
}
