// SPDX-License-Identifier: MIT
//
// An optimizer that keeps something; Chen et al., "Symbolic discovery of optimization
// algorithms", 2023.

import ConvNet

/// Lion: steps of one size, in the direction that the momentum and the gradient agree on.
struct Lion: Optimizer {
    let learningRate: Double
    let weightDecay: Double
    let beta1 = 0.9
    let beta2 = 0.99

    init(learningRate: Double = 1e-3, weightDecay: Double = 0) {
        self.learningRate = learningRate
        self.weightDecay = weightDecay
    }

    /// One tensor beside each parameter, zeros at first, saved in checkpoints.
    let stateNames = ["momentum"]

    /// A checkpoint is resumed with these settings alone.
    var configuration: [String: String] {
        ["optimizer": "lion", "learningRate": "\(learningRate)", "weightDecay": "\(weightDecay)"]
    }

    func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        let direction = try beta1 * state[0] + (1 - beta1) * gradient
        let signs = try direction.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
        parameter = try parameter - update.learningRate * (signs + update.weightDecay * parameter)
        state[0] = try beta2 * state[0] + (1 - beta2) * gradient
    }
}
