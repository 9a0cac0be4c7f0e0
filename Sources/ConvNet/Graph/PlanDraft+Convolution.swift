// SPDX-License-Identifier: MIT
//
// A rewrite: a convolution takes in the operations behind it as its epilogue, so that intermediate
// values need not go to memory. No bit changes: an epilogue is the same operations.

extension PlanDraft {
    /// Fuses each convolution with what stands behind it: in prediction a normalization, an
    /// addition and any activation; in training what can be gone back through as one; in both
    /// a max pooling.
    mutating func fuseConvolutions(for fusion: Plan.Fusion) {
        // A fused step may have moved behind others, which come first then.
        rewriteSteps { $0.fuseConvolution(at: $1, for: fusion) }
    }

    /// - Returns: whether another step is at the place now.
    private mutating func fuseConvolution(at place: Int, for fusion: Plan.Fusion) -> Bool {
        var step = steps[place]
        guard case .convolution(let descriptor) = pattern(step),
            (1...2).contains(graph.nodes[step.node].layer.parameterNames.count)
        else { return false }
        var fused = Plan.FusedConvolution(descriptor: descriptor)
        var end = place
        if fusion == .prediction {
            fused.normalization = absorbNormalization(into: &step)
            if let position = absorbAddition(into: &step) {
                fused.hasAddend = true
                end = position
            }
        }
        if fused.normalization == nil, !fused.hasAddend {
            fused.pooling = absorbPooling(into: &step)
        }
        fused.activation = absorbActivation(into: &step) {
            fusion == .prediction || $0 == .relu
        }
        step.kind = .convolution(fused)
        steps.remove(at: place)
        steps.insert(step, at: end)
        return end != place
    }

    private mutating func absorbNormalization(
        into step: inout Step
    ) -> (node: Int, epsilon: Double)? {
        guard let consumer = onlyConsumer(of: step.output),
            case .channelNormalization(let epsilon) = pattern(steps[consumer])
        else { return nil }
        let node = steps[consumer].node
        let layer = graph.nodes[node].layer
        guard layer.parameterNames.count == 2, layer.bufferNames.count == 2 else { return nil }
        absorb(stepAt: consumer, into: &step)
        return (node, epsilon)
    }

    /// Lets a step add another value to its output, if nothing but such an addition reads it.
    ///
    /// - Returns: where the step has to stand: behind what its addend comes from.
    mutating func absorbAddition(into step: inout Step) -> Int? {
        guard let consumer = onlyConsumer(of: step.output), steps[consumer].inputs.count == 2,
            pattern(steps[consumer]) == .addition
        else { return nil }
        step.inputs += steps[consumer].inputs.filter { $0 != step.output }
        absorb(stepAt: consumer, into: &step)
        // The step itself, which stands before, is taken out.
        return consumer - 1
    }

    private mutating func absorbPooling(into step: inout Step) -> Window? {
        guard let consumer = onlyConsumer(of: step.output),
            case .maxPooling(let window) = pattern(steps[consumer])
        else { return nil }
        absorb(stepAt: consumer, into: &step)
        return window
    }

    /// Lets a step apply the activation behind it as well, if there is one that it may.
    mutating func absorbActivation(
        into step: inout Step, where isAllowed: (Activation) -> Bool
    ) -> Activation? {
        guard let consumer = onlyConsumer(of: step.output),
            case .activation(let activation) = pattern(steps[consumer]), isAllowed(activation)
        else { return nil }
        absorb(stepAt: consumer, into: &step)
        return activation
    }

    /// Lets a step, which stands before it, do what another does with its output.
    private mutating func absorb(stepAt consumer: Int, into step: inout Step) {
        step.nodes += steps[consumer].nodes
        step.output = steps[consumer].output
        steps.remove(at: consumer)
    }
}
