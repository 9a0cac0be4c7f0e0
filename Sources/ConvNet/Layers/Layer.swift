// SPDX-License-Identifier: MIT
//
// What every layer can do. Layers are values: a copy of a network trains by itself.

/// A step of a network: a function of its input with a gradient.
///
/// ``predict(_:on:)`` is pure and may be called from many threads at once. Training calls
/// ``forward(_:on:)``, which keeps what the gradient needs, then
/// ``backward(_:needsInputGradient:on:)``. All arithmetic goes through ``Kernels``, so a layer runs
/// on any of them, with tensors of either number type.
public protocol Layer: Sendable {
    /// The shape that comes out for a shape that goes in, both with the sample axis first.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func outputShape(for inputShape: [Int]) throws -> [Int]

    /// The layer's output, keeping nothing.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor

    /// The layer's output; keeps what ``backward(_:needsInputGradient:on:)`` needs.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor

    /// The gradient with respect to the input of the last forward pass; keeps the gradients of the
    /// layer's parameters and lets go of what the forward pass kept, so that a trained network does
    /// not hold on to a batch's memory. One forward pass serves one backward pass.
    ///
    /// - Parameters:
    ///   - outputGradient: the loss's gradient with respect to the layer's output.
    ///   - needsInputGradient: false for a network's first layer, whose input nobody trains.
    ///   - kernels: what does the arithmetic.
    /// - Returns: the gradient with respect to the input; nil where it is not needed.
    /// - Throws: ``TensorError`` when no forward pass came before, or the gradient has another shape
    ///   than the output had.
    mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor?

    /// The trained tensors by their keys, `W` and `b`; none by default.
    var parameters: [(key: String, value: Tensor)] { get }

    /// Visits each parameter in place, in the order of ``parameters``, with the gradient of the last
    /// backward pass (nil before one). A parameter keeps its shape and its number type.
    ///
    /// - Throws: what `body` throws; for the layers here, ``TensorError`` when it leaves a parameter of
    ///   another shape or number type.
    mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws

    /// The floating-point operations of a forward pass, a multiplication and an addition being two; one
    /// for each number that comes out by default.
    ///
    /// Convolutions and affine layers count their products, poolings one operation a tap; of the others
    /// it is no more than an order of magnitude.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func operationCount(for inputShape: [Int]) throws -> Int

    /// The tensors that training changes beside the parameters, such as running statistics, by their
    /// keys; none by default. They are saved with the parameters, and no optimizer sees them.
    var buffers: [(key: String, value: Tensor)] { get }

    /// Visits each buffer in place, in the order of ``buffers``. A buffer keeps its shape and its number
    /// type.
    ///
    /// - Throws: what `body` throws; for the layers here, ``TensorError`` when it leaves a buffer of
    ///   another shape or number type.
    mutating func updateBuffers(
        _ body: (_ key: String, _ value: inout Tensor) throws -> Void
    ) throws

    /// Called before the forward pass of each training step, with the step's number from 0: a layer
    /// that draws random numbers draws those of that step. Does nothing by default. Where batches are cut
    /// into shards (``Sharding``), each shard of a step has a number of its own.
    mutating func willTrain(step: Int)

    /// The same layer with parameters of the given number type, and nothing kept from a pass.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    func converted(to scalarType: ScalarType) throws -> Self
}

extension Layer {
    /// None: most layers have nothing to train.
    public var parameters: [(key: String, value: Tensor)] { [] }

    /// Visits nothing.
    public mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {}

    /// One for each number that comes out.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try operations(timesOutputs: 1, for: inputShape)
    }

    /// So many operations for each number that comes out.
    ///
    /// - Throws: ``TensorError`` when there are more than can be counted.
    func operations(timesOutputs count: Int, for inputShape: [Int]) throws -> Int {
        let factors = try outputShape(for: inputShape) + [count]
        return try Shape.elementCount(
            factors, operation: "\(Self.self).operationCount", argument: "inputShape")
    }

    /// None: most layers learn by gradients only.
    public var buffers: [(key: String, value: Tensor)] { [] }

    /// Visits nothing.
    public mutating func updateBuffers(
        _ body: (_ key: String, _ value: inout Tensor) throws -> Void
    ) throws {}

    /// Does nothing: most layers are the same in each step.
    public mutating func willTrain(step: Int) {}

    /// The layer's output on the native kernels.
    public func predict(_ x: Tensor) throws -> Tensor { try predict(x, on: NativeKernels()) }

    /// The layer's output on the native kernels; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor) throws -> Tensor {
        try forward(x, on: NativeKernels())
    }

    /// The gradient with respect to the input, on the native kernels.
    public mutating func backward(_ outputGradient: Tensor) throws -> Tensor {
        let gradient = try backward(
            outputGradient, needsInputGradient: true, on: NativeKernels())
        guard let gradient else { throw TensorError.missingGradient(of: "\(Self.self)") }
        return gradient
    }

    /// What a forward pass kept.
    ///
    /// - Throws: ``TensorError`` when there was none.
    static func kept<Value>(_ value: Value?) throws(TensorError) -> Value {
        guard let value else {
            throw TensorError(
                operation: "\(Self.self).backward", argument: "self", value: "fresh",
                expected: "a layer whose forward was called before")
        }
        return value
    }

    /// Fails unless a gradient has the shape of the output that the given input leads to.
    ///
    /// Products and sums would take any number of columns, and give parameters a gradient of a shape
    /// that isn't theirs.
    func require(_ outputGradient: Tensor, fitsInput inputShape: [Int]) throws {
        try KernelChecks.require(
            outputGradient, hasShape: outputShape(for: inputShape),
            operation: "\(Self.self).backward", argument: "outputGradient")
    }
}

extension TensorError {
    /// The error about a layer that was asked for its input's gradient and gave none.
    static func missingGradient(of layer: String) -> TensorError {
        TensorError(
            operation: "\(layer).backward", argument: "result", value: "nil",
            expected: "a gradient where needsInputGradient is true")
    }
}

/// A trained tensor and its gradient.
struct Parameter: Sendable {
    private(set) var value: Tensor
    var gradient: Tensor?
    /// The shape that the value has for good.
    let shape: [Int]
    private let scalarType: ScalarType

    init(_ value: Tensor) {
        self.value = value
        shape = value.shape
        scalarType = value.scalarType
    }

    /// Lets a layer's visitor change the value in place.
    ///
    /// - Throws: what `body` throws; ``TensorError`` when it leaves another shape or number type.
    mutating func update(
        _ key: String, operation: String,
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        try body(key, &value, gradient)
        try require(value, operation: operation, argument: key)
    }

    /// Fails unless a tensor is one that the parameter, or a buffer like it, could be.
    func require(_ tensor: Tensor, operation: String, argument: String) throws(TensorError) {
        try KernelChecks.require(tensor, hasShape: shape, operation: operation, argument: argument)
        try KernelChecks.require(
            tensor, holds: scalarType, operation: operation, argument: argument)
    }
}
