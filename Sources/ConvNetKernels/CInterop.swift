// SPDX-License-Identifier: MIT
//
// The way from tensors to C: pointers to several tensors at once, workspace, and the structs that
// the C functions take. Nothing else in the package builds a C struct.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Fails unless the named tensors hold `float32`, the only type the C kernels know. Without an
    /// array of them: a small network's prediction feels each.
    static func requireFloat32(
        _ x: (argument: String, tensor: Tensor), _ y: (argument: String, tensor: Tensor)? = nil,
        operation: String
    ) throws(TensorError) {
        try KernelChecks.require(
            x.tensor, holds: .float32, operation: operation, argument: x.argument)
        if let y {
            try KernelChecks.require(
                y.tensor, holds: .float32, operation: operation, argument: y.argument)
        }
    }

    /// A new tensor that a C function fills from one input.
    static func makeTensor(
        _ shape: [Int], operation: String, from x: Tensor,
        _ fill: (_ output: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>) -> Void
    ) throws(TensorError) -> Tensor {
        var output = try Tensor(uninitialized: shape, operation: operation)
        output.withUnsafeMutableScalars(of: Float.self) { output in
            x.withPointer { fill(output.baseAddress.unsafelyUnwrapped, $0) }
        }
        return output
    }

    /// A new tensor that a C function fills from two inputs.
    static func makeTensor(
        _ shape: [Int], operation: String, from x: Tensor, _ y: Tensor,
        _ fill: (
            _ output: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>,
            _ y: UnsafePointer<Float>
        ) -> Void
    ) throws(TensorError) -> Tensor {
        try makeTensor(shape, operation: operation, from: x) { output, x in
            y.withPointer { fill(output, x, $0) }
        }
    }

    /// Scratch memory for one call of a kernel, taken from the recycler. A kernel that needs none
    /// gets an address that it doesn't use: small products end before the recycler has answered.
    static func withWorkspace<Result>(
        floats count: Int, operation: String,
        _ body: (UnsafeMutablePointer<Float>) throws -> Result
    ) throws -> Result {
        guard count > 0 else {
            return try body(
                UnsafeMutablePointer(bitPattern: TensorStorage.alignment).unsafelyUnwrapped)
        }
        let storage = try TensorStorage(
            byteCount: count * MemoryLayout<Float>.size, operation: operation)
        defer { withExtendedLifetime(storage) {} }
        return try body(storage.address.assumingMemoryBound(to: Float.self))
    }
}

extension Tensor {
    /// Reads the numbers of a `float32` tensor through a C pointer.
    func withPointer<Result>(
        _ body: (UnsafePointer<Float>) throws -> Result
    ) rethrows -> Result {
        try withUnsafeScalars(of: Float.self) { try body($0.baseAddress.unsafelyUnwrapped) }
    }

    /// Writes the numbers of a `float32` tensor through a C pointer, after copying them if another
    /// tensor shares them.
    mutating func withMutablePointer<Result>(
        operation: String, _ body: (UnsafeMutablePointer<Float>) throws -> Result
    ) throws -> Result {
        try makeUnique(operation: operation)
        return try withUnsafeMutableScalars(of: Float.self) {
            try body($0.baseAddress.unsafelyUnwrapped)
        }
    }
}

extension Tensor? {
    /// Reads the numbers of a `float32` tensor that may not be there.
    func withPointer<Result>(
        _ body: (UnsafePointer<Float>?) throws -> Result
    ) rethrows -> Result {
        guard let self else { return try body(nil) }
        return try self.withPointer { try body($0) }
    }
}

extension IndexTensor? {
    /// Writes indices that may be nil and are not shared.
    mutating func withMutableIndices(_ body: (UnsafeMutablePointer<Int32>?) -> Void) {
        if self == nil { return body(nil) }
        self?.withUnsafeMutableIndices { body($0.baseAddress) }
    }
}

extension convk_window {
    /// The sizes of a windowed operation as C sees them.
    init(_ sizes: WindowedSizes) {
        let window = sizes.window
        self.init(
            n: sizes.samples, c: sizes.channels, h: sizes.height, w: sizes.width,
            oh: sizes.outputHeight, ow: sizes.outputWidth,
            kh: window.size.height, kw: window.size.width,
            stride_h: window.stride.height, stride_w: window.stride.width,
            dilation_h: window.dilation.height, dilation_w: window.dilation.width,
            pad_top: window.padding.top, pad_bottom: window.padding.bottom,
            pad_left: window.padding.left, pad_right: window.padding.right)
    }
}

extension convk_conv2d {
    /// The sizes of a convolution as C sees them.
    ///
    /// - Parameters:
    ///   - inputStride: from one image to the next; 0 where nothing lies between them.
    ///   - outputStride: the same of the output.
    init(_ sizes: ConvolutionSizes, inputStride: Int = 0, outputStride: Int = 0) {
        self.init(
            window: convk_window(sizes.windowed), filters: sizes.filters, groups: sizes.groups,
            x_image: inputStride, y_image: outputStride)
    }
}

extension convk_conv2d_plan {
    /// How a convolution of these sizes, or one of its gradients, is computed.
    init(
        _ sizes: ConvolutionSizes, _ direction: convk_conv2d_direction,
        _ execution: convk_execution, inputStride: Int = 0, outputStride: Int = 0
    ) {
        var conv = convk_conv2d(sizes, inputStride: inputStride, outputStride: outputStride)
        self = convk_conv2d_plan_make(&conv, direction, execution)
    }
}

extension convk_matrix {
    /// A matrix that starts at the base of its tensor's numbers plus the layout's offset.
    init(_ view: MatrixView, base: UnsafePointer<Float>) {
        let leading = view.layout.leadingDimension
        self.init(
            data: base + view.layout.offset, row_stride: view.isTransposed ? 1 : leading,
            column_stride: view.isTransposed ? leading : 1)
    }
}

extension convk_gradient_adjustment {
    /// An adjustment as C sees it.
    init(_ adjustment: GradientAdjustment) {
        self.init(
            factor: Float(adjustment.factor), limit: Float(adjustment.limit),
            weight_decay: Float(adjustment.weightDecay))
    }
}

extension convk_momentum {
    /// The settings of a velocity as C sees them.
    init(_ settings: MomentumSettings) {
        self.init(
            learning_rate: Float(settings.learningRate), momentum: Float(settings.momentum),
            nesterov: settings.isNesterov)
    }
}

extension convk_squares {
    /// The settings of a root of squares as C sees them.
    init(_ settings: SquaresSettings) {
        self.init(
            learning_rate: Float(settings.learningRate), kept: Float(settings.kept),
            added: Float(settings.added), epsilon: Float(settings.epsilon))
    }
}

extension convk_adam {
    /// Adam's constants for one step; the corrections for the zeros that the moments start from are
    /// computed in `Double`.
    init(_ settings: AdamSettings, step: Int) {
        let correction1 = 1 - power(settings.beta1, step)
        let correction2 = 1 - power(settings.beta2, step)
        self.init(
            beta1: Float(settings.beta1), one_minus_beta1: Float(1 - settings.beta1),
            beta2: Float(settings.beta2), one_minus_beta2: Float(1 - settings.beta2),
            step_size: Float(settings.learningRate / correction1),
            inverse_root_of_correction2: Float(1 / correction2.squareRoot()),
            epsilon: Float(settings.epsilon),
            kept: Float(1 - settings.learningRate * settings.decoupledWeightDecay))
    }
}

extension convk_lrn {
    /// The sizes and constants of a local response normalization as C sees them.
    init(_ sizes: (samples: Int, channels: Int, plane: Int), _ settings: LocalResponseSettings) {
        self.init(
            n: sizes.samples, channels: sizes.channels, plane: sizes.plane, size: settings.size,
            alpha_over_size: Float(settings.alpha / Double(settings.size)),
            beta: Float(settings.beta), k: Float(settings.k))
    }
}

extension convk_dropout_mask {
    /// A mask as C sees it.
    init(_ mask: DropoutMask) {
        let (key, stream) = mask.generator
        self.init(
            key: (key.x, key.y), stream: (stream.x, stream.y),
            threshold: mask.threshold, scale: Float(mask.scale))
    }
}

extension convk_batch_norm {
    /// The sizes of a batch normalization as C sees them.
    init(_ sizes: (samples: Int, channels: Int, plane: Int), epsilon: Double) {
        self.init(
            n: sizes.samples, channels: sizes.channels, plane: sizes.plane, epsilon: epsilon)
    }
}

extension convk_activation {
    /// C's number of each activation, by name.
    private static let kinds = kindsByName(CONVK_ACTIVATION_COUNT, convk_activation_name)

    /// - Throws: ``TensorError`` when the kernels lack it.
    init(_ activation: Activation) throws(TensorError) {
        guard let kind = Self.kinds[activation.name] else {
            throw TensorError(
                operation: "activation", argument: "activation", value: activation.name,
                expected: "one that the native kernels have")
        }
        let parameters = activation.parameters
        self.init(
            kind: kind, a: parameters.isEmpty ? 0 : Float(parameters[0].value),
            b: parameters.count < 2 ? 0 : Float(parameters[1].value))
    }
}

extension [convk_copy_axis] {
    /// The axes of a copy as C sees them: those with more than one index, of which no tensor has
    /// more than C takes.
    init(from source: StridedView, to target: StridedView) {
        self = source.shape.indices.filter { source.shape[$0] > 1 }.map {
            convk_copy_axis(
                extent: source.shape[$0], from: source.strides[$0], to: target.strides[$0])
        }
    }
}

extension convk_resampling {
    /// Taps as C sees them, their weights rounded, for the time of a call.
    static func with<Result>(
        _ taps: ResamplingTaps, _ body: (convk_resampling) throws -> Result
    ) rethrows -> Result {
        let weights = taps.weights.map { Float($0) }
        return try taps.firsts.withUnsafeBufferPointer { firsts in
            try taps.places.withUnsafeBufferPointer { places in
                try weights.withUnsafeBufferPointer { weights in
                    try body(
                        convk_resampling(
                            in: taps.inputSize, out: taps.outputSize, each: taps.tapsOfEach,
                            first: firsts.baseAddress, place: places.baseAddress,
                            weight: weights.baseAddress))
                }
            }
        }
    }
}

extension StridedAxes {
    /// The axes as C sees them.
    func withAxes<Result>(_ body: (UnsafePointer<convk_axes>) throws -> Result) rethrows -> Result {
        let steps = strides.flatMap { $0 }
        return try shape.withUnsafeBufferPointer { shape in
            try steps.withUnsafeBufferPointer { steps in
                try withUnsafePointer(
                    to: convk_axes(
                        rank: shape.count, operands: strides.count, shape: shape.baseAddress,
                        strides: steps.baseAddress), body)
            }
        }
    }
}

extension convk_binary_kind {
    /// C's number of each operation, by name.
    private static let kinds = kindsByName(CONVK_BINARY_COUNT, convk_binary_name)

    /// - Throws: ``TensorError`` when the kernels lack it.
    init(_ operation: BinaryOperation) throws(TensorError) {
        guard let kind = Self.kinds[operation.name] else {
            throw TensorError(
                operation: "elementwise", argument: "operation", value: operation.name,
                expected: "one that the native kernels have")
        }
        self = kind
    }
}

extension convk_reduction_kind {
    /// C's number of each reduction, by name.
    private static let kinds = kindsByName(CONVK_REDUCTION_COUNT, convk_reduction_name)

    /// - Throws: ``TensorError`` when the kernels lack it.
    init(_ reduction: Reduction) throws(TensorError) {
        guard let kind = Self.kinds[reduction.name] else {
            throw TensorError(
                operation: "reduced", argument: "reduction", value: reduction.name,
                expected: "one that the native kernels have")
        }
        self = kind
    }
}

/// The values of a C enumeration by their names.
private func kindsByName<Kind: RawRepresentable>(
    _ count: Kind, _ name: (Kind) -> UnsafePointer<CChar>?
) -> [String: Kind] where Kind.RawValue == UInt32 {
    var kinds: [String: Kind] = [:]
    for number in 0..<count.rawValue {
        guard let kind = Kind(rawValue: number), let name = name(kind) else { continue }
        kinds[String(cString: name)] = kind
    }
    return kinds
}
