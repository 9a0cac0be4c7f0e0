// SPDX-License-Identifier: MIT
//
// What every layer can do. Layers are values and pure: nothing of a pass stays in them, so one
// layer may be applied at two places, and a step that fails leaves nothing behind.

/// A differentiable function of tensors, with its parameters: a node of a ``Graph``.
///
/// ``predict(_:on:)`` is what prediction computes. ``forward(_:in:)`` is what training computes; it
/// gives the output together with a ``Pullback``, which turns the gradient of the output into those
/// of the inputs and parameters. All arithmetic goes through ``Kernels``, so a layer runs on any of
/// them, with tensors of either number type. Both may be called from many threads at once.
///
/// A layer with one input conforms to ``UnaryLayer`` and sees a tensor instead of an array.
public protocol Layer: Sendable {
    /// The keys of ``parameters``, such as `W` and `b`, in their order; none by default.
    var parameterNames: [String] { get }

    /// The trained tensors; none by default.
    ///
    /// They are changed in place: a layer stores them in an array, whose elements an optimizer then
    /// updates without a copy. A caller may leave anything here; a layer checks what it uses.
    var parameters: [Tensor] { get set }

    /// The keys of ``buffers``, in their order; none by default.
    var bufferNames: [String] { get }

    /// The tensors that training changes beside the parameters, such as running statistics; none by
    /// default. They are saved with the parameters, and no optimizer sees them. A training pass
    /// returns what it makes of them in ``Forward/buffers``.
    var buffers: [Tensor] { get set }

    /// The shape of the output for given shapes of the inputs, all with the sample axis first.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such inputs.
    func outputShape(for inputShapes: [[Int]]) throws -> [Int]

    /// The layer's output in prediction; by default that of ``forward(_:in:)``.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such inputs.
    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor

    /// The layer's output in training, and the way back.
    ///
    /// The pullback should capture only the tensors that it needs: what it captures is held until
    /// the backward pass has called it.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such inputs.
    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward

    /// Fails where training can't work with inputs of such shapes although prediction can. By
    /// default nothing fails.
    ///
    /// ``Trainer`` asks before the first step, for each size that a batch will have.
    ///
    /// - Throws: ``TensorError`` that names the rule.
    func requireTrainable(on inputShapes: [[Int]]) throws

    /// The floating-point operations of a forward pass, a multiplication and an addition being two;
    /// one per element of the output by default.
    ///
    /// Convolutions and affine layers count their products, poolings one operation per tap; of the
    /// others it is no more than an order of magnitude.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such inputs.
    func operationCount(for inputShapes: [[Int]]) throws -> Int

    /// Whether the layer only works with the shape of a sample that its network was made for; false
    /// by default. A layer that takes images as rows of numbers does: of another image the same
    /// numbers would be other pixels.
    var fixesInputShape: Bool { get }

    /// What a plan may know about the layer, to run it together with its neighbours;
    /// ``LayerPattern/other`` by default.
    var pattern: LayerPattern { get }
}

extension Layer {
    /// None: most layers have nothing to train.
    public var parameterNames: [String] { [] }

    /// None; setting them has no effect.
    public var parameters: [Tensor] {
        get { [] }
        set {}
    }

    /// None: most layers learn by gradients only.
    public var bufferNames: [String] { [] }

    /// None; setting them has no effect.
    public var buffers: [Tensor] {
        get { [] }
        set {}
    }

    /// The output of a training pass.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        try forward(inputs, in: Pass(kernels: kernels)).output
    }

    /// Nothing fails.
    public func requireTrainable(on inputShapes: [[Int]]) throws {}

    /// One per element of the output.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        try operations(timesOutputs: 1, for: inputShapes)
    }

    /// The output of a layer with one input, on the native kernels.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    public func predict(_ x: Tensor) throws -> Tensor { try predict([x], on: NativeKernels()) }

    /// The output of a layer with one input in training, on the native kernels, and the way back.
    ///
    /// ```swift
    /// let forward = try layer.forward(x)
    /// let gradients = try forward.pullback(outputGradient)   // .input, .parameters
    /// ```
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    public func forward(_ x: Tensor) throws -> Forward { try forward([x], in: Pass()) }

    /// Any shape will do that ``outputShape(for:)`` takes.
    public var fixesInputShape: Bool { false }

    /// Nothing: the layer runs by itself.
    public var pattern: LayerPattern { .other }

    /// A number of operations for each element of the output.
    ///
    /// - Throws: ``TensorError`` when there are more than can be counted.
    func operations(timesOutputs count: Int, for inputShapes: [[Int]]) throws -> Int {
        let factors = try outputShape(for: inputShapes) + [count]
        return try Shape.elementCount(
            factors, operation: "\(Self.self).operationCount", argument: "inputShape")
    }

    /// The same layer with parameters and buffers of the given number type.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func converted(to scalarType: ScalarType) throws -> Self {
        var copy = self
        copy.parameters = try parameters.map { try $0.converted(to: scalarType) }
        copy.buffers = try buffers.map { try $0.converted(to: scalarType) }
        return copy
    }

    /// The parameters with their keys.
    var namedParameters: [NamedTensor] { Array(zip(parameterNames, parameters)) }

    /// The buffers with their keys.
    var namedBuffers: [NamedTensor] { Array(zip(bufferNames, buffers)) }

    /// The parameters, if they have the shapes that the layer was made with.
    ///
    /// - Throws: ``TensorError`` that names the one that has been replaced by one of another shape.
    func checkedParameters(_ shapes: [[Int]]) throws(TensorError) -> [Tensor] {
        try Self.check(parameters, named: parameterNames, shapes)
        return parameters
    }

    /// Fails unless tensors have the shapes that the layer was made with.
    static func check(
        _ tensors: [Tensor], named names: [String], _ shapes: [[Int]]
    ) throws(TensorError) {
        guard tensors.count == names.count else {
            throw TensorError(
                operation: "\(Self.self)", argument: "parameters",
                value: "\(tensors.count) tensors",
                expected: names.joined(separator: ", "))
        }
        for (index, tensor) in tensors.enumerated() {
            try KernelChecks.require(
                tensor, hasShape: shapes[index], operation: "\(Self.self)", argument: names[index])
        }
    }
}
