// SPDX-License-Identifier: MIT
//
// A network's way to graphs for other shapes. A model that leaves sizes open, or has inputs that
// steer shapes, is imported again for each; the network's tensors are shared by all.

import ConvNetSupport

/// What a network that was imported keeps of its model.
struct ImportedModel: Sendable {
    /// The operators; what the network has among its tensors is left out.
    let program: ONNXProgram
    /// What the network's own graph is made for.
    let example: ONNXImporter.Case
    /// The graphs for other shapes; others as soon as a tensor may change.
    var plans = ShapePlans()
    /// For which shapes the network's own graph is that of the model as well.
    private let comparisons = ShapeComparisons()

    init(program: ONNXProgram, example: ONNXImporter.Case) {
        (self.program, self.example) = (program, example)
    }

    /// Whether the model is the same layers for other shapes of its inputs, in their order: what
    /// a model makes of shapes beforehand is fixed in a graph, and may be another number for
    /// other samples.
    func hasSameLayers(for shapes: [[Int]], as network: Network) -> Bool {
        comparisons.result(for: shapes) {
            var wanted = example
            for (input, shape) in zip(network.graph.inputs, shapes) {
                wanted.shapes[input.name] = shape
            }
            let tensors = network.parameters + network.buffers
            let weights = Dictionary(tensors.map { ($0.name, $0.value) }) { first, _ in first }
            guard let other = try? ONNXImporter(program, for: wanted, weights: weights).graph,
                other.nodes.count == network.graph.nodes.count
            else { return false }
            return zip(other.nodes, network.graph.nodes).allSatisfy(Self.isSame)
        }
    }

    private static func isSame(_ one: Graph.Node, _ other: Graph.Node) -> Bool {
        guard let a = one.layer as? any DescribedLayer, let b = other.layer as? any DescribedLayer,
            one.name == other.name, one.inputs == other.inputs,
            type(of: a).typeName == type(of: b).typeName,
            a.layerSettings == b.layerSettings
        else { return false }
        return zip(a.buffers, b.buffers).allSatisfy {
            $0.shape == $1.shape && $0.hasBits(of: $1)
        }
    }

    /// The outputs for tensors by the inputs' names.
    ///
    /// - Throws: ``TensorError`` when a name is unknown or missing, and ``ONNXError`` when the
    ///   model can't work with such inputs.
    func predict(
        _ network: Network, _ inputs: [String: Tensor], outputs: [String]?
    ) throws -> [Tensor] {
        let names = network.graph.inputs.map(\.name)
        try check(inputs, names)
        // Whole numbers may come as float64, which holds them exactly.
        let type = network.parameters.first?.value.scalarType ?? .float32
        let tensors = try names.compactMap { try inputs[$0]?.converted(to: type) }
        let entry = try entry(for: inputs, of: network)
        guard let outputs else {
            return try entry.plan.predict(
                entry.graph, tensors, entry.prepared, on: network.kernels)
        }
        let part = try entry.graph.with(outputs: outputs)
        let plan = Plan(part, fusion: .prediction)
        return try plan.predict(part, tensors, PreparedSteps(), on: network.kernels)
    }

    private func check(_ inputs: [String: Tensor], _ names: [String]) throws(TensorError) {
        let unknown = inputs.keys.filter { !names.contains($0) }.min()
        let missing = names.first { inputs[$0] == nil }
        guard let wrong = unknown ?? missing.map({ "without \($0)" }) else { return }
        throw TensorError(
            operation: "predict", argument: "inputs", value: wrong,
            expected: names.joined(separator: ", "))
    }

    /// The graph for some inputs: the network's own, one that was made before, or a new one.
    private func entry(
        for inputs: [String: Tensor], of network: Network
    ) throws -> ShapePlans.Entry {
        let steering = plans.steering.union(example.known.keys)
        let wanted = ONNXImporter.Case(
            shapes: inputs.mapValues(\.shape), known: inputs.filter { steering.contains($0.key) })
        if wanted == example {
            return ShapePlans.Entry(
                wanted, network.graph, network.predictionPlan, network.prepared)
        }
        if let found = plans.entry(for: wanted) { return found }
        try checkExtents(inputs)
        let tensors = network.parameters + network.buffers
        let type = tensors.first?.value.scalarType ?? .float32
        let weights = Dictionary(tensors.map { ($0.name, $0.value) }) { first, _ in first }
        var (importer, made) = try ONNXImporter.importing(
            program, for: wanted, given: inputs, weights: weights)
        if type != .float32 {
            for place in importer.graph.nodes.indices {
                importer.graph.nodes[place].layer = try importer.graph.nodes[place].layer
                    .converted(to: type)
            }
        }
        let entry = ShapePlans.Entry(
            made, importer.graph, Plan(importer.graph, fusion: .prediction), PreparedSteps())
        plans.add(entry)
        return entry
    }

    /// Fails unless the model leaves open what differs.
    private func checkExtents(_ inputs: [String: Tensor]) throws(TensorError) {
        for input in program.inputs {
            guard let shape = inputs[input.name]?.shape, let rule = input.shape else { continue }
            let fits =
                rule.count == shape.count
                && zip(rule, shape).allSatisfy {
                    if case .fixed(let extent) = $0 { extent == $1 } else { true }
                }
            guard fits else {
                let expected = rule.map {
                    switch $0 {
                    case .fixed(let extent): "\(extent)"
                    case .open(let name): name.isEmpty ? "any" : name
                    }
                }.joined(separator: ", ")
                throw TensorError(
                    operation: "predict", argument: input.name, value: "\(shape)",
                    expected: "[\(expected)]")
            }
        }
    }
}

/// What was found out about shapes.
private final class ShapeComparisons: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.
    private var lock: Lock { Lock.survivingForks(for: self) }
    private var results: [[[Int]]: Bool] = [:]

    func result(for shapes: [[Int]], _ compare: () -> Bool) -> Bool {
        if let result = lock.withLock({ results[shapes] }) { return result }
        let result = compare()
        lock.withLock {
            if results.count >= 1024 { results = [:] }
            results[shapes] = result
        }
        return result
    }
}

/// The graphs of a model for shapes that it was used with, the last few.
final class ShapePlans: @unchecked Sendable {
    /// A graph and what it was made for.
    struct Entry: Sendable {
        let made: ONNXImporter.Case
        let graph: Graph
        let plan: Plan
        let prepared: PreparedSteps

        init(_ made: ONNXImporter.Case, _ graph: Graph, _ plan: Plan, _ prepared: PreparedSteps) {
            (self.made, self.graph, self.plan, self.prepared) = (made, graph, plan, prepared)
        }
    }

    // Sendable although it changes: everything that changes is touched under the lock.
    private var lock: Lock { Lock.survivingForks(for: self) }
    private var entries: [Entry] = []
    private var names: Set<String> = []
    /// How many graphs are kept.
    private static let most = 4

    /// The inputs whose numbers some graph had to know.
    var steering: Set<String> { lock.withLock { names } }

    /// The graph for a case.
    func entry(for wanted: ONNXImporter.Case) -> Entry? {
        lock.withLock {
            guard let place = entries.firstIndex(where: { $0.made == wanted }) else { return nil }
            let entry = entries.remove(at: place)
            entries.append(entry)
            return entry
        }
    }

    /// Keeps a graph.
    func add(_ entry: Entry) {
        lock.withLock {
            names.formUnion(entry.made.known.keys)
            if entries.count == Self.most { entries.removeFirst() }
            entries.append(entry)
        }
    }
}

extension ONNXImporter {
    /// The most numbers of an input of whole numbers that may steer shapes.
    private static let mostSteering = 64

    /// A graph; inputs whose numbers it takes are made known.
    ///
    /// - Parameter given: the tensors of the inputs, as far as there are some.
    static func importing(
        _ program: ONNXProgram, for wanted: Case, given: [String: Tensor],
        weights: [String: Tensor] = [:]
    ) throws -> (ONNXImporter, Case) {
        var wanted = wanted
        while true {
            do {
                return (try ONNXImporter(program, for: wanted, weights: weights), wanted)
            } catch let need as NeedsInput {
                guard let tensor = given[need.name], wanted.known[need.name] == nil else {
                    throw ONNXError(
                        file: program.name,
                        reasons: [
                            ONNXError.Reason(
                                node: need.name, operation: "Input", attribute: "",
                                value: "its numbers decide shapes or weights",
                                expected: "an example of it")
                        ])
                }
                wanted.known[need.name] = tensor
            } catch let error as ONNXError {
                // What follows from whole numbers may be known where they are.
                let steering = program.inputs.filter { input in
                    ONNXType(rawValue: input.elementType)?.isInteger == true
                        && wanted.known[input.name] == nil
                        && (given[input.name]?.count ?? .max) <= mostSteering
                }
                guard !steering.isEmpty else { throw error }
                for input in steering { wanted.known[input.name] = given[input.name] }
            }
        }
    }
}
