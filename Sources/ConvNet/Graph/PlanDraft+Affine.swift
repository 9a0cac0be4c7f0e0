// SPDX-License-Identifier: MIT
//
// A rewrite: an affine layer takes the ReLU behind it along.

extension PlanDraft {
    /// Fuses each affine layer with a ReLU behind it.
    mutating func fuseAffineLayers() {
        var place = 0
        while place < steps.count {
            var step = steps[place]
            if pattern(step) == .affine, graph.nodes[step.node].layer.parameterNames.count == 2 {
                let activation = absorbActivation(into: &step) { $0 == .relu }
                step.kind = .affine(rectified: activation != nil)
                steps[place] = step
            }
            place += 1
        }
    }
}
