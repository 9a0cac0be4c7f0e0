// SPDX-License-Identifier: MIT
//
// A network compiled for prediction: everything that one prediction after the other would do
// again is done once.

/// A network's predictions for one input shape.
///
/// ```swift
/// let predictor = try Predictor(network, inputShape: [1, 3, 224, 224])
/// let logits = try predictor(x)
/// ```
///
/// It is immutable: what is trained later does not change it. The bits are those of
/// ``Classifier/predict(_:)``, which is as fast from its third call on; a predictor is from the
/// first. May be called from many threads at once.
///
/// It shares the network's parameters. While it lives, the first training step after it was
/// made copies them.
public struct Predictor: Sendable {
    /// The shape of the input, the samples first.
    public let inputShape: [Int]
    private let network: Network

    /// Compiles a network; runs it once.
    ///
    /// - Parameters:
    ///   - model: the network, with one input and one output.
    ///   - inputShape: the shape of the input, the samples first, such as `[1, 3, 224, 224]`.
    /// - Throws: ``TensorError`` when the network can't work with such an input, or there is no
    ///   memory for it.
    public init(_ model: some Classifier, inputShape: [Int]) throws {
        var network = model.network
        network.prepared = PreparedSteps(isEager: true)
        self.inputShape = inputShape
        self.network = network
        let scalarType = network.parameters.first?.value.scalarType ?? .float32
        _ = try network.predicted(Tensor(zeros: inputShape, scalarType: scalarType))
    }

    /// The logits of a batch.
    ///
    /// - Parameter x: samples of the shape that the predictor was made for.
    /// - Throws: ``TensorError`` when they have another shape.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try KernelChecks.require(
            x, hasShape: inputShape, operation: "Predictor", argument: "x")
        return try network.predicted(x)
    }

    /// The bytes that kernels keep of the filters.
    package var prepackedByteCount: Int { network.prepared.byteCount }
}
