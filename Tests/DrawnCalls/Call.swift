// SPDX-License-Identifier: MIT
//
// One call of the public interface: its name, and what draws its arguments and makes it.

import ConvNet
import ConvNetData
import ConvNetPlots

struct Call: Sendable {
    let name: String
    let make: @Sendable (inout Arguments) throws -> Void

    init(_ name: String, _ make: @escaping @Sendable (inout Arguments) throws -> Void) {
        (self.name, self.make) = (name, make)
    }

    /// All that can be drawn.
    static let all: [Call] =
        tensors + geometry + products + convolutions + pooling + shapes + activations
        + normalization
        + losses + updates + layers + settings + networks + readyMade + optimizers + training
        + histories + data + files + pictures + images

    /// Whether an error is one that the documentation names.
    static func isExpected(_ error: any Error) -> Bool {
        switch error {
        case is TensorError, is FileError,
            is TrainingError, is RankDifference, is CancellationError, is DecodingError,
            is EncodingError:
            return true
        default: return false
        }
    }
}
