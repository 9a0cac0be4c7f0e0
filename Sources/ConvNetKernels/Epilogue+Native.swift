// SPDX-License-Identifier: MIT
//
// What stands behind a convolution or a normalization, as C sees it.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// An epilogue as C sees it, all but its pooling.
    static func withEpilogue<Result>(
        _ epilogue: Epilogue, _ body: (UnsafePointer<convk_epilogue>) throws -> Result
    ) throws -> Result {
        // Most have a bias alone, and a small convolution takes a microsecond.
        if epilogue.normalization == nil, epilogue.addend == nil, epilogue.activation == nil {
            return try epilogue.bias.withPointer { bias in
                var result = convk_epilogue()
                result.bias = bias
                return try body(&result)
            }
        }
        let normalization = epilogue.normalization
        let scale = try normalization.map { try Self.scale($0) }
        let activation = try epilogue.activation.map { try convk_activation($0) }
        return try withPointers(
            epilogue.bias, normalization?.statistics.mean, scale, normalization?.beta,
            epilogue.addend
        ) { bias, mean, scale, beta, addend in
            try withPointer(to: activation) {
                var result = convk_epilogue()
                (result.bias, result.mean, result.scale) = (bias, mean, scale)
                (result.shift, result.addend, result.activation) = (beta, addend, $0)
                return try body(&result)
            }
        }
    }

    /// What a normalization goes by as C sees it.
    static func withParameters<Result>(
        _ normalization: ChannelNormalization,
        _ body: (UnsafePointer<convk_norm_parameters>) throws -> Result
    ) rethrows -> Result {
        let statistics = normalization.statistics
        return try withPointers(
            statistics.mean, statistics.variance, normalization.gamma, normalization.beta, nil
        ) { mean, variance, gamma, beta, _ in
            var result = convk_norm_parameters(
                mean: mean, variance: variance, gamma: gamma, beta: beta)
            return try body(&result)
        }
    }

    /// An activation as C reads it, or NULL.
    static func withPointer<Result>(
        to activation: convk_activation?,
        _ body: (UnsafePointer<convk_activation>?) throws -> Result
    ) rethrows -> Result {
        guard var activation else { return try body(nil) }
        return try body(&activation)
    }

    /// What a normalization multiplies each channel by, rounded as C's own is.
    private static func scale(_ normalization: ChannelNormalization) throws -> Tensor {
        let (gamma, variance) = (normalization.gamma, normalization.statistics.variance)
        var scale = try Tensor(uninitialized: gamma.shape, operation: "convolution")
        scale.withUnsafeMutableScalars(of: Float.self) { scale in
            gamma.withUnsafeScalars(of: Float.self) { gamma in
                variance.withUnsafeScalars(of: Float.self) { variance in
                    for channel in scale.indices {
                        let deviation =
                            (Double(variance[channel]) + normalization.epsilon).squareRoot()
                        scale[channel] = Float(Double(gamma[channel]) * (1 / deviation))
                    }
                }
            }
        }
        return scale
    }

    private static func withPointers<Result>(
        _ a: Tensor?, _ b: Tensor?, _ c: Tensor?, _ d: Tensor?, _ e: Tensor?,
        _ body: (
            UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
            UnsafePointer<Float>?, UnsafePointer<Float>?
        ) throws -> Result
    ) rethrows -> Result {
        try a.withPointer { a in
            try b.withPointer { b in
                try c.withPointer { c in
                    try d.withPointer { d in try e.withPointer { try body(a, b, c, d, $0) } }
                }
            }
        }
    }
}
