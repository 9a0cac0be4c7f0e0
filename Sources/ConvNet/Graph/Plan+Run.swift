// SPDX-License-Identifier: MIT
//
// Running a plan: forward for prediction; forward and backward for training. Values live in slots
// of one run, pullbacks on its tape; nothing is kept beyond it.

extension Plan.Step {
    /// The step's output in training, and the way back.
    fileprivate func forward(_ inputs: [Tensor], _ layer: any Layer, _ pass: Pass) throws -> Forward
    {
        switch kind {
        case .layer: return try layer.forward(inputs, in: pass)
        case .convolution(let fused):
            return try convolution(fused, layer.parameters).forward(inputs[0], on: pass.kernels)
        case .affine: return try affine(layer.parameters).forward(inputs[0], on: pass.kernels)
        case .normalization(let hasAddend, let activation):
            guard let layer = layer as? BatchNormalization else {
                preconditionFailure("a plan normalizes by a layer that does not")
            }
            return try layer.forward(
                inputs[0], addend: hasAddend ? inputs[1] : nil, activation: activation, in: pass)
        }
    }

    /// The convolution of a step, with what training has of its epilogue.
    func convolution(
        _ fused: Plan.FusedConvolution, _ parameters: [Tensor]
    ) throws(TensorError) -> ConvolutionOperation {
        try Self.convolution(
            fused.descriptor, parameters, pooling: fused.pooling, activation: fused.activation)
    }

    /// A convolution by a layer's parameters.
    static func convolution(
        _ descriptor: ConvolutionDescriptor, _ parameters: [Tensor], pooling: Window? = nil,
        activation: Activation?
    ) throws(TensorError) -> ConvolutionOperation {
        guard (1...2).contains(parameters.count) else {
            throw missing("W and b", of: "Convolution", parameters)
        }
        return ConvolutionOperation(
            weights: parameters[0], descriptor: descriptor,
            epilogue: Epilogue(
                bias: parameters.count == 2 ? parameters[1] : nil, pooling: pooling,
                activation: activation))
    }

    /// The normalization behind a step's convolution, by running statistics.
    static func normalization(
        _ layer: any Layer, epsilon: Double
    ) throws(TensorError) -> ChannelNormalization {
        let (parameters, buffers) = (layer.parameters, layer.buffers)
        guard parameters.count == 2, buffers.count == 2 else {
            throw missing(
                "gamma, beta, mean and variance", of: "BatchNormalization", parameters + buffers)
        }
        return ChannelNormalization(
            statistics: BatchStatistics(mean: buffers[0], variance: buffers[1]),
            gamma: parameters[0], beta: parameters[1], epsilon: epsilon)
    }

    /// The product of a step.
    func affine(_ parameters: [Tensor]) throws(TensorError) -> AffineOperation {
        guard case .affine(let rectified) = kind, parameters.count == 2,
            parameters[0].shape.count == 2
        else { throw Self.missing("W and b", of: "Affine", parameters) }
        return AffineOperation(
            weights: parameters[0], bias: parameters[1], rectified: rectified)
    }

    private static func missing(
        _ names: String, of layer: String, _ tensors: [Tensor]
    ) -> TensorError {
        TensorError(
            operation: layer, argument: "parameters", value: "\(tensors.map(\.shape))",
            expected: "\(names), of the shapes that the layer was made with")
    }
}

extension Plan {
    /// The outputs of a graph in prediction.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the graph's inputs, already checked.
    ///   - prepared: the plan's steps for the graph, or none yet.
    ///   - didRun: called with each step's node, inputs and output.
    func predict(
        _ graph: Graph, _ inputs: [Tensor], _ prepared: PreparedSteps, on kernels: any Kernels,
        didRun: (_ node: Int, _ inputs: [Tensor], _ output: Tensor) -> Void = { _, _, _ in }
    ) throws -> [Tensor] {
        let prepared = try prepared.steps(of: self, graph)
        return try run(inputs) { place, arguments, begun in
            let output = try prepared[place].predict(arguments, &begun, on: kernels)
            didRun(steps[place].node, arguments, output)
            return output
        }
    }

    /// The outputs of a graph in training, with what the backward pass needs.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the graph's inputs, already checked.
    ///   - keepsAll: whether the way back is kept where no gradient is needed too.
    ///   - didRun: called with each step's node, inputs and output.
    func forward(
        _ graph: Graph, _ inputs: [Tensor], _ pass: Pass, keepsAll: Bool = false,
        didRun: (_ node: Int, _ inputs: [Tensor], _ output: Tensor) -> Void = { _, _, _ in }
    ) throws -> Tape {
        var tape = Tape(self, pass.kernels)
        let frozenPass = pass.withRunningStatistics
        tape.outputs = try run(inputs) { place, arguments, _ in
            let step = steps[place]
            let layer = tape.layer(of: graph.nodes[step.node], at: step.node)
            let forward = try step.forward(
                arguments, layer, frozenNodes.contains(step.node) ? frozenPass : pass)
            let isNeeded = keepsAll || needsGradient[step.output]
            tape.pullbacks.append(isNeeded ? forward.pullback : nil)
            if let moved = forward.buffers {
                try tape.move(moved, of: graph.nodes[step.node], at: step.node)
            }
            didRun(step.node, arguments, forward.output)
            return forward.output
        }
        return tape
    }

    /// The outputs of a graph, each value being released behind its last use.
    ///
    /// - Parameter body: the output of the step at a place from its inputs, and from what other
    ///   steps have written of it, to be taken.
    private func run(
        _ inputs: [Tensor],
        _ body: (_ place: Int, _ arguments: [Tensor], _ begun: inout Tensor?) throws -> Tensor
    ) throws -> [Tensor] {
        // One array for all steps: a network that runs in microseconds feels each allocation.
        var arguments: [Tensor] = []
        var begun: Tensor?
        if isChain {
            arguments = inputs
            for place in steps.indices { arguments[0] = try body(place, arguments, &begun) }
            return arguments
        }
        var values: [Tensor?] = inputs
        values.reserveCapacity(slotCount)
        while values.count < slotCount { values.append(nil) }
        for (place, step) in steps.enumerated() {
            for (input, slot) in step.inputs.enumerated() {
                arguments.append(
                    step.isLastUse[input]
                        ? Self.taken(values[slot].take()) : Self.taken(values[slot]))
            }
            begun = values[step.output].take()
            values[step.output] = try body(place, arguments, &begun)
            while arguments.popLast() != nil {}
        }
        return outputs.map { Self.taken(values[$0]) }
    }

    /// What a slot holds that the plan has not released.
    private static func taken(_ tensor: consuming Tensor?) -> Tensor {
        guard let tensor else { preconditionFailure("a plan reads a value that it has released") }
        return tensor
    }
}

/// What a training pass has computed, and the way back through it.
struct Tape {
    /// The graph's outputs.
    var outputs: [Tensor] = []
    /// What the pass makes of buffers, by their numbers in the network's list.
    private(set) var buffers: [Int: Tensor] = [:]
    /// One for each step, nil where no gradient is needed; taken off by the backward pass, so that
    /// what they hold is released on the way.
    fileprivate var pullbacks: [Pullback?] = []
    private let plan: Plan
    private let kernels: any Kernels

    fileprivate init(_ plan: Plan, _ kernels: any Kernels) {
        (self.plan, self.kernels) = (plan, kernels)
    }

    /// A node's layer; where another node has moved a buffer that is this one's too, with what
    /// has come of it.
    fileprivate func layer(of node: Graph.Node, at index: Int) -> any Layer {
        guard plan.buffers.hasTies else { return node.layer }
        var layer = node.layer
        for (place, number) in plan.buffers.numbers[index].enumerated() {
            if let moved = buffers[number] { layer.buffers[place] = moved }
        }
        return layer
    }

    /// Keeps what a node's pass has made of its buffers.
    fileprivate mutating func move(
        _ moved: [Tensor], of node: Graph.Node, at index: Int
    ) throws(TensorError) {
        let numbers = plan.buffers.numbers[index]
        guard moved.count == numbers.count else {
            throw TensorError(
                operation: "layer \(node.name)", argument: "buffers",
                value: "\(moved.count) tensors", expected: "the \(numbers.count) that it has")
        }
        for (number, buffer) in zip(numbers, moved) { buffers[number] = buffer }
    }

    /// Goes back through all steps.
    ///
    /// A value that several nodes read has the sum of their gradients, in the order of the nodes.
    ///
    /// - Parameters:
    ///   - graph: the graph that the pass went through.
    ///   - outputGradients: the loss's gradient with respect to each output; nil where it does
    ///     not depend on it.
    ///   - wantsAllInputs: whether gradients are wanted that no parameter needs too.
    ///   - willPass: called with each step's place and the gradient of its output.
    ///   - didPass: called with each step's place and the gradients that it gave.
    mutating func backward(
        _ graph: Graph, _ outputGradients: [Tensor?], wantsAllInputs: Bool = false,
        willPass: (_ step: Int, _ outputGradient: Tensor) throws -> Void = { _, _ in },
        didPass: (_ step: Int, LayerGradients) throws -> Void = { _, _ in }
    ) throws {
        var gradients = [[Tensor]](repeating: [], count: plan.slotCount)
        for (slot, gradient) in zip(plan.outputs, outputGradients) {
            if let gradient { gradients[slot].append(gradient) }
        }
        outputs = []
        for (place, step) in plan.steps.enumerated().reversed() {
            let node = graph.nodes[step.node]
            let pullback = pullbacks.removeLast()
            guard let pullback, wantsAllInputs || plan.needsGradient[step.output],
                let gradient = try sum(&gradients[step.output])
            else { continue }
            let wanted = WantedGradients(
                inputs: step.inputs.map { wantsAllInputs || plan.needsGradient[$0] },
                parameters: plan.trainsNode[step.node])
            try willPass(place, gradient)
            // Nothing here holds it while the pullback makes others of it.
            let found = try pullback(consume gradient, wanted: wanted)
            try Self.check(found, wanted, of: node)
            // In reverse, as the sum begins with what came last.
            for (input, inputGradient) in zip(step.inputs, found.inputs).reversed() {
                if let inputGradient { gradients[input].append(inputGradient) }
            }
            try didPass(place, found)
        }
    }

    /// The gradients of all parameters.
    ///
    /// - Parameters:
    ///   - graph: the graph that the pass went through.
    ///   - outputGradients: the loss's gradient with respect to each output; nil where it does
    ///     not depend on it.
    ///   - didFinish: called with each parameter's number and gradient, as soon as it is ready, in
    ///     the order of ``Plan/gradientOrder``. That of a tied parameter is the sum over the nodes
    ///     that read it, beginning with the last.
    mutating func parameterGradients(
        _ graph: Graph, _ outputGradients: [Tensor?],
        didFinish: (_ parameter: Int, _ gradient: Tensor) throws -> Void
    ) throws {
        let plan = plan
        var waiting = plan.gradientOrder[...]
        var sums: [Int: Tensor] = [:]
        func finish(downTo step: Int) throws {
            while let next = waiting.first, next.step >= step {
                waiting.removeFirst()
                if let sum = sums.removeValue(forKey: next.parameter) {
                    try didFinish(next.parameter, sum)
                } else {
                    // What the loss does not depend on has a gradient of zeros.
                    let owner = plan.parameters.owners[next.parameter]
                    let parameter = graph.nodes[owner.node].layer.parameters[owner.index]
                    let zeros = try Tensor(
                        zeros: parameter.shape, scalarType: parameter.scalarType)
                    try didFinish(next.parameter, zeros)
                }
            }
        }
        func collect(_ place: Int, _ found: LayerGradients) throws {
            let numbers = plan.parameters.numbers[plan.steps[place].node]
            for (number, gradient) in zip(numbers, found.parameters)
            where plan.isTrained[number] {
                if sums[number] == nil {
                    sums[number] = gradient
                } else {
                    try sums[number]?.add(gradient)
                }
            }
            try finish(downTo: place)
        }
        try backward(graph, outputGradients, didPass: collect)
        try finish(downTo: -1)
    }

    /// The sum of the gradients that a value's consumers gave, the last consumer first; nil
    /// where none did.
    private func sum(_ gradients: inout [Tensor]) throws -> Tensor? {
        guard var sum = gradients.popLast() else { return nil }
        while let next = gradients.popLast() { sum = try kernels.elementwise(.add, sum, next) }
        return sum
    }

    /// Fails unless a layer gave the gradients that it was asked for.
    private static func check(
        _ found: LayerGradients, _ wanted: WantedGradients, of node: Graph.Node
    ) throws(TensorError) {
        func missing(_ what: String) -> TensorError {
            TensorError(
                operation: "layer \(node.name)", argument: "pullback", value: what,
                expected: "a gradient for each input that is wanted and for each parameter")
        }
        guard found.inputs.count == wanted.inputs.count else {
            throw missing("\(found.inputs.count) gradients of inputs")
        }
        for (place, isWanted) in wanted.inputs.enumerated()
        where isWanted && found.inputs[place] == nil {
            throw missing("none of input \(place)")
        }
        guard wanted.parameters else { return }
        let (parameters, names) = (node.layer.parameters, node.layer.parameterNames)
        guard found.parameters.count == parameters.count, names.count == parameters.count else {
            throw missing("\(found.parameters.count) gradients of parameters")
        }
        for (place, gradient) in found.parameters.enumerated() {
            try KernelChecks.require(
                gradient, matches: parameters[place], operation: "layer \(node.name)",
                argument: "gradient of \(names[place])")
        }
    }
}
