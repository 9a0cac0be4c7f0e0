// SPDX-License-Identifier: MIT
//
// A 1×1 convolution and the depthwise convolution of its output at once.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// A convolution, and one of its output, on `float32`: the bits of one after the other.
    ///
    /// A 1×1 convolution and the depthwise convolution behind it, such as MobileNet's blocks begin
    /// with, are done at once: some channels at a time, which stay in a cache.
    ///
    /// - Returns: `[N, F, OH, OW]` of the second.
    /// - Throws: ``TensorError`` when shapes, groups or a window disagree, or a tensor is not of
    ///   `float32`.
    public func convolution(
        _ x: Tensor, _ first: ConvolutionStage, then second: ConvolutionStage
    ) throws -> Tensor {
        let operation = "convolution"
        let execution = try execution
        let expansion = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: first.weights.shape, first.descriptor,
            operation: operation)
        let depthwise = try KernelChecks.convolution(
            inputShape: expansion.outputShape, weightsShape: second.weights.shape,
            second.descriptor, operation: operation)
        var expand = convk_conv2d(expansion)
        var deepen = convk_conv2d(depthwise)
        guard first.epilogue.hasOnlyActivation, second.epilogue.hasOnlyActivation,
            convk_conv2d_expanded_pays(&expand, &deepen, execution)
        else { return try convolution(convolution(x, first), second) }
        try Self.requireFloat32(("x", x), ("weights", first.weights), operation: operation)
        try Self.requireFloat32(("weights", second.weights), operation: operation)
        try KernelChecks.epilogue(first.epilogue, of: expansion, scalarType: .float32)
        try KernelChecks.epilogue(second.epilogue, of: depthwise, scalarType: .float32)
        let filters = first.prepacked?.filters(of: first.weights, expandingIn: &expand, execution)
        let floats = convk_conv2d_expanded_workspace(&expand, &deepen, execution)
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.withEpilogue(first.epilogue) { before in
                try Self.withEpilogue(second.epilogue) { behind in
                    try Self.makeTensor(
                        depthwise.outputShape, operation: operation, from: x, first.weights
                    ) { y, x, weights in
                        second.weights.withPointer { depthwiseWeights in
                            filters.withPointer {
                                convk_conv2d_expanded(
                                    y, x, weights, $0, before, depthwiseWeights, behind, &expand,
                                    &deepen, workspace, execution)
                            }
                        }
                    }
                }
            }
        }
    }
}

extension Epilogue {
    /// Whether there is a bias and an activation, or less.
    fileprivate var hasOnlyActivation: Bool {
        normalization == nil && addend == nil && pooling == nil
    }
}
