// SPDX-License-Identifier: MIT
//
// Which algorithm computes a convolution: the C code that chooses is asked.

internal import CConvKernels
import ConvNetTensor

/// How a convolution or one of its gradients is computed. All algorithms give the same numbers but
/// for rounding; which is the fastest depends on the shape and on the CPU.
public enum ConvolutionAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// Winograd's, with fewer multiplications (see ``NativeKernels/winograd``).
    case winograd
    /// Depthwise: each channel a group, neighbouring pixels of a plane side by side in a vector.
    case depthwise
    /// Neighbouring pixels of a row side by side in a vector, for few filters.
    case rows
    /// Neighbouring filters side by side in a vector, images read in place.
    case direct
    /// A matrix product with patches that are packed a block at a time (implicit GEMM).
    case implicitGEMM = "implicit GEMM"
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
    /// The algorithm for a convolution of these sizes on this instruction set.
    ///
    /// ```swift
    /// let kernels = NativeKernels()
    /// let algorithm = try kernels.convolutionAlgorithm(
    ///     inputShape: [1, 64, 56, 56], weightsShape: [64, 64, 3, 3],
    ///     window: Window(3, padding: 1))
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
        let sizes = try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weightsShape,
            ConvolutionDescriptor(window, groups: groups), operation: "convolutionAlgorithm",
            inputArgument: "inputShape")
        let direction =
            switch pass {
            case .forward: CONVK_FORWARD
            case .inputGradient: CONVK_BACKWARD_DATA
            case .weightGradient: CONVK_BACKWARD_WEIGHTS
            }
        var plan = convk_conv2d_plan(sizes, direction, execution)
        let algorithm = convk_conv2d_plan_name(&plan).flatMap {
            ConvolutionAlgorithm(rawValue: String(cString: $0))
        }
        guard let algorithm else { preconditionFailure("C names an algorithm without a case") }
        return algorithm
    }
}
