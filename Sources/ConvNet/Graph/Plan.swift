// SPDX-License-Identifier: MIT
//
// Plan: in which order a graph's nodes run, which run as one, and when values are released. It is
// made once from a graph; it holds no tensor.

/// The steps that compute a graph's outputs.
///
/// Each value has a slot: those of the graph's inputs come first, then one for each node's output.
struct Plan: Sendable {
    /// What a step computes.
    enum Kind: Sendable {
        /// The node by itself.
        case layer
        /// A convolution, and what of its epilogue there is.
        case convolution(FusedConvolution)
        /// A product with weights and a bias, and the ReLU of it where there is one.
        case affine(rectified: Bool)
        /// A batch normalization in training, whether the step's second input is added then, and an
        /// activation behind that.
        case normalization(hasAddend: Bool, activation: Activation?)
    }

    /// A convolution and the nodes behind it.
    struct FusedConvolution: Sendable {
        let descriptor: ConvolutionDescriptor
        /// The node that normalizes its output, and epsilon.
        var normalization: (node: Int, epsilon: Double)?
        /// Whether the step's second input is added then.
        var hasAddend = false
        /// A max pooling behind that.
        var pooling: Window?
        /// An activation behind that.
        var activation: Activation?
        /// The node of the slice that it reads, of whose input it reads some channels.
        var slice: Int?
        /// Where it lies in the output of a concatenation, which is then the step's output.
        var destination: Destination?
        /// The convolution before it, whose output nothing else reads.
        var expansion: Expansion?

        /// Whether there is nothing but an activation behind it, and nothing before it.
        var hasOnlyActivation: Bool {
            normalization == nil && !hasAddend && pooling == nil && destination == nil
                && expansion == nil
        }
    }

    /// A 1×1 convolution before a depthwise one.
    struct Expansion: Sendable {
        /// The node whose parameters it reads.
        let node: Int
        let descriptor: ConvolutionDescriptor
        let activation: Activation?
    }

    /// Some channels of a tensor.
    struct Destination: Sendable {
        let channels: Range<Int>
        /// How many channels the tensor has.
        let total: Int
    }

    /// What may run as one.
    enum Fusion: Sendable {
        /// Each node is a step.
        case none
        /// What a backward pass can go back through as one.
        case training
        /// Whatever gives the same numbers.
        case prediction
    }

    /// One or several nodes that run as one.
    ///
    /// An object, as a copy of it would count references to each of its arrays: a network of few
    /// numbers runs in microseconds.
    final class Step: Sendable {
        /// The node whose parameters are read.
        let node: Int
        /// What is computed.
        let kind: Kind
        /// All nodes that the step stands for, in the order they run.
        let nodes: [Int]
        /// The slots that it reads.
        let inputs: [Int]
        /// The slot that it writes: the output of its last node, or of the concatenation that it is
        /// a part of.
        let output: Int
        /// For each input whether nothing reads it later.
        let isLastUse: [Bool]

        fileprivate init(
            _ step: PlanDraft.Step, inputs: [Int], output: Int, isLastUse: [Bool]
        ) {
            (node, kind, nodes) = (step.node, step.kind, step.nodes)
            (self.inputs, self.output, self.isLastUse) = (inputs, output, isLastUse)
        }
    }

    /// A parameter whose gradient is ready as soon as a step has been gone back through.
    struct ReadyGradient: Sendable {
        /// The parameter's number in the network's list.
        let parameter: Int
        /// The place of the first step that reads it; −1 where none does, so that it comes last.
        let step: Int
    }

    /// The steps in order.
    let steps: [Step]
    /// The slots of the graph's outputs.
    let outputs: [Int]
    /// How many slots there are.
    let slotCount: Int
    /// For each slot whether the loss's gradient with respect to it is needed.
    let needsGradient: [Bool]
    /// Where the parameters and the buffers of all nodes lie in the network's lists.
    let parameters: TensorLayout
    let buffers: TensorLayout
    /// The parameters in the order in which their gradients are ready.
    let gradientOrder: [ReadyGradient]
    /// Whether each step reads what the one before has written, and nothing else.
    let isChain: Bool
    /// For each parameter of the network's list whether its gradient is wanted.
    let isTrained: [Bool]
    /// For each node whether it has such a parameter.
    let trainsNode: [Bool]
    /// The nodes that keep their buffers in training.
    let frozenNodes: Set<Int>

    /// Plans a graph.
    ///
    /// - Parameters:
    ///   - fusion: which nodes may run as one.
    ///   - isTrained: for each parameter of the network's list whether it is trained; all when nil.
    ///   - frozenNodes: those that work in training as in prediction, by their running statistics.
    init(
        _ graph: Graph, fusion: Fusion, isTrained: [Bool]? = nil, frozenNodes: Set<Int> = []
    ) {
        var draft = PlanDraft(graph)
        draft.removeUnusedNodes()
        if fusion != .none {
            draft.poolBeforeRectifying()
            draft.fuseConvolutions(for: fusion)
            draft.fuseAffineLayers()
            if fusion == .training { draft.fuseNormalizations(except: frozenNodes) }
            if fusion == .prediction {
                draft.concatenateInPlace()
                draft.joinExpansions()
                draft.sliceInPlace()
            }
        }
        func slot(_ value: Graph.Value) -> Int {
            switch value.source {
            case .input(let index): index
            case .node(let index): graph.inputs.count + index
            }
        }
        let steps = zip(draft.steps, draft.lastUses()).map { step, lastUses in
            Step(
                step, inputs: step.inputs.map(slot), output: slot(step.output), isLastUse: lastUses)
        }
        self.steps = steps
        outputs = graph.outputs.map { slot($0.value) }
        slotCount = graph.inputs.count + graph.nodes.count
        let written = [0] + steps.map(\.output)
        isChain =
            graph.inputs.count == 1 && outputs == written.suffix(1)
            && zip(steps, written).allSatisfy { $0.inputs == [$1] }
        parameters = graph.layout(of: \.parameters, graph.parameterTies)
        buffers = graph.layout(of: \.buffers, graph.bufferTies)
        let all = isTrained ?? Array(repeating: true, count: parameters.owners.count)
        self.isTrained = all
        self.frozenNodes = frozenNodes
        let numbers = parameters.numbers
        trainsNode = graph.nodes.indices.map { node in
            !graph.nodes[node].layer.parameterNames.isEmpty
                && (numbers[node].isEmpty || numbers[node].contains { all[$0] })
        }
        // A value's gradient is needed where something that leads to it is trained.
        var needs = [Bool](repeating: false, count: slotCount)
        for step in steps {
            needs[step.output] = trainsNode[step.node] || step.inputs.contains { needs[$0] }
        }
        needsGradient = needs
        gradientOrder = Self.gradientOrder(steps, parameters).filter { all[$0.parameter] }
    }

    /// The buffers, by their numbers in the network's list, that some node may move in training.
    var movableBuffers: [Int] {
        buffers.owners.indices.filter { number in
            buffers.numbers.enumerated().contains {
                !frozenNodes.contains($0) && $1.contains(number)
            }
        }
    }

    /// The parameters in the order in which a backward pass is through with them: a tied one when
    /// it is back at the first step that reads it.
    private static func gradientOrder(
        _ steps: [Step], _ parameters: TensorLayout
    ) -> [ReadyGradient] {
        var firstReader = [Int](repeating: -1, count: parameters.owners.count)
        for (place, step) in steps.enumerated().reversed() {
            for number in parameters.numbers[step.node] { firstReader[number] = place }
        }
        return firstReader.indices
            .sorted { (-firstReader[$0], $0) < (-firstReader[$1], $1) }
            .map { ReadyGradient(parameter: $0, step: firstReader[$0]) }
    }
}

/// A plan while rewrites change it, each in a file of its own.
struct PlanDraft {
    /// One or several nodes that are to run as one.
    struct Step {
        let node: Int
        var kind = Plan.Kind.layer
        var nodes: [Int]
        var inputs: [Graph.Value]
        var output: Graph.Value
    }

    let graph: Graph
    var steps: [Step]

    /// A step for each node.
    init(_ graph: Graph) {
        self.graph = graph
        steps = graph.nodes.enumerated().map { index, node in
            Step(
                node: index, nodes: [index], inputs: node.inputs,
                output: Graph.Value(source: .node(index)))
        }
    }

    /// What the layer of a step that is nothing but a layer states.
    func pattern(_ step: Step) -> LayerPattern {
        guard case .layer = step.kind else { return .other }
        return graph.nodes[step.node].layer.pattern
    }

    /// The place of the only step that reads a value, unless it is an output as well.
    func onlyConsumer(of value: Graph.Value) -> Int? {
        guard !graph.outputs.contains(where: { $0.value == value }) else { return nil }
        var found: Int?
        for (place, step) in steps.enumerated() {
            for input in step.inputs where input == value {
                guard found == nil else { return nil }
                found = place
            }
        }
        return found
    }

    /// Goes through the places of all steps.
    ///
    /// - Parameter rewrite: returns whether another step is at the place now.
    mutating func rewriteSteps(_ rewrite: (inout PlanDraft, _ place: Int) -> Bool) {
        var place = 0
        while place < steps.count {
            if !rewrite(&self, place) { place += 1 }
        }
    }

    /// Removes the nodes that lead to no output.
    mutating func removeUnusedNodes() {
        var used = Set(graph.outputs.map(\.value))
        for step in steps.reversed() where used.contains(step.output) {
            used.formUnion(step.inputs)
        }
        steps.removeAll { !used.contains($0.output) }
    }

    /// For each step and each of its inputs whether nothing reads it later.
    func lastUses() -> [[Bool]] {
        var read = Set(graph.outputs.map(\.value))
        return steps.reversed().map { step in
            step.inputs.reversed().map { read.insert($0).inserted }.reversed()
        }.reversed()
    }
}
