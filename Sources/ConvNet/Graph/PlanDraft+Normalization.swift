// SPDX-License-Identifier: MIT
//
// A rewrite: in training a batch normalization takes in the addition and the activation behind it,
// so that neither its output nor the sum goes to memory. No bit changes.

extension PlanDraft {
    /// Fuses each batch normalization with an addition behind it, and an activation behind that
    /// whose gradient takes the output.
    ///
    /// - Parameter frozenNodes: those that work by their running statistics; they stay as they are.
    mutating func fuseNormalizations(except frozenNodes: Set<Int>) {
        rewriteSteps { draft, place in
            var step = draft.steps[place]
            guard case .channelNormalization = draft.pattern(step),
                !frozenNodes.contains(step.node),
                draft.graph.nodes[step.node].layer is BatchNormalization
            else { return false }
            let position = draft.absorbAddition(into: &step)
            let activation = draft.absorbActivation(into: &step) { $0.gradientTakesOutput }
            step.kind = .normalization(hasAddend: position != nil, activation: activation)
            draft.steps.remove(at: place)
            draft.steps.insert(step, at: position ?? place)
            return (position ?? place) != place
        }
    }
}
