// SPDX-License-Identifier: MIT
//
// Normalization and dropout.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Local response normalization on `float32`.
    ///
    /// With `s = k + alpha/size · Σx²`, `|error| ≤ (beta · (size + 4) + 8) · 2⁻²⁴ · |y|` for a beta
    /// of 0.75, and `beta · (|ln s| + size + 6) + 8` in its place for others, to first order, where
    /// neither the squares nor s leave the normal numbers of `Float`.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when `x` has no channels or is not of `float32`.
    public func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let operation = "localResponseNormalization"
        let execution = try execution
        let sizes = try KernelChecks.channels(of: x, operation: operation, argument: "x")
        try Self.requireFloat32(("x", x), operation: operation)
        var lrn = convk_lrn(sizes, settings)
        return try Self.makeTensor(x.shape, operation: operation, from: x) {
            convk_lrn_forward($0, $1, &lrn, execution)
        }
    }

    /// The gradient of local response normalization on `float32`.
    ///
    /// The terms of its formula have the error of the output and at most
    /// `beta · (size + 4) + size + 12` times 2⁻²⁴ of their size (with the logarithm as there),
    /// to first order.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when shapes differ, there are no channels, or a tensor is not of
    ///   `float32`.
    public func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let operation = "localResponseNormalizationGradient"
        let execution = try execution
        let sizes = try KernelChecks.channels(of: x, operation: operation, argument: "x")
        try KernelChecks.require(
            outputGradient, matches: x, operation: operation, argument: "outputGradient")
        try Self.requireFloat32(("x", x), operation: operation)
        var lrn = convk_lrn(sizes, settings)
        let floats = convk_lrn_backward_workspace(&lrn, execution)
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(x.shape, operation: operation, from: outputGradient, x) {
                convk_lrn_backward($0, $1, $2, &lrn, workspace, execution)
            }
        }
    }

    /// Dropout on `float32`: one multiplication, with the factor rounded to `Float`. The mask is
    /// exactly ``DropoutMask``'s on every instruction set.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        let execution = try execution
        try Self.requireFloat32(("x", x), operation: "dropout")
        var native = convk_dropout_mask(mask)
        return try Self.makeTensor(x.shape, operation: "dropout", from: x) {
            convk_dropout($0, $1, x.count, &native, execution)
        }
    }
}
