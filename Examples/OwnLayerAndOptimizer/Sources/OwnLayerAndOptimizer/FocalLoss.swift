// SPDX-License-Identifier: MIT
//
// A loss: cross-entropy that looks away from what is easy; Lin et al., "Focal loss for dense object
// detection", 2017.

import ConvNet
import Foundation

/// `−(1 − p)^gamma · log p`, p being the probability of the right class; the mean over a batch.
struct FocalLoss: Loss {
    let gamma = 2.0

    func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        let classes = output.shape.last ?? 0
        let labels = targets.labels
        guard output.shape == [labels.count, classes], labels.allSatisfy((0..<classes).contains)
        else {
            throw TensorError(
                operation: "FocalLoss", argument: "targets", value: "\(labels.count) labels",
                expected: "one per row of \(output.shape), each a class")
        }
        let probabilities = try kernels.softmax(output).doubles
        var (loss, gradient) = (0.0, [Double]())
        for (row, label) in labels.enumerated() {
            let p = max(probabilities[row * classes + label], 1e-12)
            loss -= pow(1 - p, gamma) * log(p)
            // dL/dp · p, which every logit's gradient has as a factor.
            let slope = gamma * pow(1 - p, gamma - 1) * p * log(p) - pow(1 - p, gamma)
            for index in 0..<classes {
                let own = index == label ? 1.0 : 0.0
                let share = own - probabilities[row * classes + index]
                gradient.append(slope * share / Double(labels.count))
            }
        }
        return LossAndGradient(
            loss: loss / Double(labels.count),
            gradient: try Tensor(shape: output.shape, doubles: gradient)
                .converted(to: output.scalarType))
    }
}
