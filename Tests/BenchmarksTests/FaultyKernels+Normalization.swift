// SPDX-License-Identifier: MIT
//
// What the faulty kernels do right: the benchmark has no cases of these operations.

import ConvNet
import ConvNetReference

extension FaultyKernels {
    func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor { try right.localResponseNormalization(x, settings: settings) }
    func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        try right.localResponseNormalizationGradient(outputGradient, input: x, settings: settings)
    }
    func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        try right.dropout(x, mask: mask)
    }
    func batchStatistics(_ x: Tensor) throws -> BatchStatistics { try right.batchStatistics(x) }
    func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        try right.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon)
    }
    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        try right.batchNormalizationGradient(
            outputGradient, input: x, statistics: statistics, gamma: gamma, epsilon: epsilon)
    }
    func tanh(_ x: Tensor) throws -> Tensor { try right.tanh(x) }
    func tanhGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.tanhGradient(outputGradient, output: output)
    }
    func leakyReLU(_ x: Tensor, negativeSlope: Double) throws -> Tensor {
        try right.leakyReLU(x, negativeSlope: negativeSlope)
    }
    func leakyReLUGradient(
        _ outputGradient: Tensor, input x: Tensor, negativeSlope: Double
    ) throws -> Tensor {
        try right.leakyReLUGradient(outputGradient, input: x, negativeSlope: negativeSlope)
    }
    func softmaxGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.softmaxGradient(outputGradient, output: output)
    }
}
