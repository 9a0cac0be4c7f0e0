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
}
