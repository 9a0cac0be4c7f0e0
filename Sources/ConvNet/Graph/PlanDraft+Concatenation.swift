// SPDX-License-Identifier: MIT
//
// A rewrite: convolutions whose outputs are joined by channels, as in an Inception block, write
// them where they are to lie, so that nothing is copied. No bit changes.

extension PlanDraft {
    /// Removes each concatenation of channels all of whose inputs are outputs of convolutions that
    /// no other node reads.
    mutating func concatenateInPlace() {
        rewriteSteps { $0.concatenateInPlace(at: $1) }
    }

    /// - Returns: whether the step was removed.
    private mutating func concatenateInPlace(at place: Int) -> Bool {
        let joint = steps[place]
        // A convolution's output has four axes.
        guard case .concatenation(let axis) = pattern(joint), axis == 1 || axis == -3,
            joint.inputs.count > 1
        else { return false }
        var parts: [(step: Int, convolution: Plan.FusedConvolution, channels: Int)] = []
        for value in joint.inputs {
            guard onlyConsumer(of: value) == place,
                let step = steps.firstIndex(where: { $0.output == value }),
                case .convolution(let fused) = steps[step].kind, fused.pooling == nil,
                !fused.hasAddend, fused.destination == nil,
                let filters = graph.nodes[steps[step].node].layer.parameters.first?.shape.first
            else { return false }
            parts.append((step, fused, filters))
        }
        let total = parts.reduce(0) { $0 + $1.channels }
        var first = 0
        for (step, convolution, channels) in parts {
            var convolution = convolution
            convolution.destination = Plan.Destination(
                channels: first..<first + channels, total: total)
            steps[step].kind = .convolution(convolution)
            steps[step].output = joint.output
            first += channels
        }
        // The last one completes it.
        if let last = parts.map(\.step).max() { steps[last].nodes += joint.nodes }
        steps.remove(at: place)
        return true
    }
}
