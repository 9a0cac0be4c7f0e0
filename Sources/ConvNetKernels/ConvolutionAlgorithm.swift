// SPDX-License-Identifier: MIT
//
// Which way a convolution is computed: the C code that chooses is asked.

internal import CConvKernels
import ConvNetTensor

/// A way of computing a convolution or one of its gradients. All give the same numbers but for
/// rounding; which is the fastest depends on the shape and on the CPU.
public enum ConvolutionAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// Winograd's, with fewer multiplications (see ``NativeKernels/winograd``).
    case winograd
    /// Depthwise: each channel a group, neighbouring pixels of a plane side by side in a vector.
    case planes
    /// Neighbouring pixels of a row side by side in a vector, for few filters.
    case rows
    /// Neighbouring filters side by side in a vector, images read in place.
    case direct
    /// A matrix product with patches that are packed a block at a time (implicit GEMM).
    case product
    /// A matrix product with the images themselves: 1×1 filters at stride 1.
    case pointwise
    /// The gradient of the images as a matrix product whose columns are added up as by
    /// ``Kernels/col2im(_:inputShape:window:)``, a block at a time.
    case columns
}

/// What is computed of a convolution.
public enum ConvolutionPass: String, Sendable, Hashable, CaseIterable {
    /// The output.
    case forward
    /// The gradient with respect to the images.
    case inputGradient
    /// The gradient with respect to the filters.
    case weightGradient
}

extension NativeKernels {
    /// The way that a convolution of these sizes takes on this instruction set.
    ///
    /// ```swift
    /// let kernels = NativeKernels()
    /// let algorithm = try kernels.convolutionAlgorithm(
    ///     inputShape: [1, 64, 56, 56], weightsShape: [64, 64, 3, 3], window: Window(3, padding: 1))
    /// ```
    ///
    /// - Parameters:
    ///   - inputShape: the images' `[N, C, H, W]`.
    ///   - weightsShape: the filters' `[F, C/groups, KH, KW]`.
    ///   - window: KH×KW taps, with its stride, padding and dilation.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - pass: the output, or which of the gradients.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree.
    public func convolutionAlgorithm(
        inputShape: [Int], weightsShape: [Int], window: Window, groups: Int = 1,
        pass: ConvolutionPass = .forward
    ) throws(TensorError) -> ConvolutionAlgorithm {
        let execution = try execution
        var conv = convk_conv2d(
            try KernelChecks.convolution(
                inputShape: inputShape, weightsShape: weightsShape, bias: nil, window: window,
                groups: groups, operation: "convolutionAlgorithm", inputArgument: "inputShape"))
        let name =
            switch pass {
            case .forward: convk_conv2d_forward_algorithm(&conv, execution)
            case .inputGradient: convk_conv2d_backward_data_algorithm(&conv, execution)
            case .weightGradient: convk_conv2d_backward_weights_algorithm(&conv, execution)
            }
        let algorithm = name.flatMap { ConvolutionAlgorithm(rawValue: String(cString: $0)) }
        guard let algorithm else { preconditionFailure("C names an algorithm without a case") }
        return algorithm
    }
}
