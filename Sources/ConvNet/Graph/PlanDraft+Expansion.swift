// SPDX-License-Identifier: MIT
//
// A rewrite: a 1×1 convolution and the depthwise convolution behind it, as MobileNet's blocks
// begin, are one step, so that kernels need not write down what lies between. No bit changes.

extension PlanDraft {
    /// Joins each expansion whose output only a depthwise convolution reads with that one.
    mutating func joinExpansions() {
        rewriteSteps { $0.joinExpansion(at: $1) }
    }

    /// - Returns: whether the step was removed.
    private mutating func joinExpansion(at place: Int) -> Bool {
        let step = steps[place]
        guard case .convolution(let first) = step.kind, first.hasOnlyActivation,
            first.descriptor.isPointwise, let consumer = onlyConsumer(of: step.output),
            case .convolution(var second) = steps[consumer].kind, second.hasOnlyActivation,
            let filters = graph.nodes[step.node].layer.parameters.first?.shape.first,
            second.descriptor.groups == filters
        else { return false }
        second.expansion = Plan.Expansion(
            node: step.node, descriptor: first.descriptor, activation: first.activation)
        steps[consumer].kind = .convolution(second)
        steps[consumer].inputs = step.inputs
        steps[consumer].nodes = step.nodes + steps[consumer].nodes
        steps.remove(at: place)
        return true
    }
}

extension ConvolutionDescriptor {
    /// Whether each output is made of the channels of one pixel, all of them.
    fileprivate var isPointwise: Bool {
        window.size == PerAxis(1) && window.stride == PerAxis(1) && window.padding == Padding(0)
            && groups == 1
    }
}
