// SPDX-License-Identifier: MIT
//
// A rewrite: a convolution of some channels, as in ShuffleNet's units, reads them where they lie,
// so that nothing is copied. No bit changes.

extension PlanDraft {
    /// Removes each slice of channels that only a convolution reads.
    mutating func sliceInPlace() {
        rewriteSteps { $0.sliceInPlace(at: $1) }
    }

    /// - Returns: whether the step was removed.
    private mutating func sliceInPlace(at place: Int) -> Bool {
        let step = steps[place]
        // A convolution's input has four axes.
        guard case .slice(let slice) = pattern(step), slice.axis == 1 || slice.axis == -3,
            slice.step == 1, let consumer = onlyConsumer(of: step.output),
            case .convolution(var convolution) = steps[consumer].kind,
            convolution.expansion == nil, convolution.pooling == nil, !convolution.hasAddend
        else { return false }
        convolution.slice = step.node
        steps[consumer].kind = .convolution(convolution)
        steps[consumer].inputs = step.inputs
        steps[consumer].nodes = step.nodes + steps[consumer].nodes
        steps.remove(at: place)
        return true
    }
}
