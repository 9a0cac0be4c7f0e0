// SPDX-License-Identifier: MIT
//
// Predictions of networks with several inputs or outputs, and of what lies in between.

extension Classifier {
    /// What layers of a network with one input give, by name: embeddings, or a look inside.
    ///
    /// ```swift
    /// let found = try resnet.predict(x, outputs: ["layer4", "fc"])
    /// ```
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - outputs: names of outputs, nodes or inputs, or `layer4` for the last node of those whose
    ///     names begin with `layer4.`.
    /// - Throws: ``TensorError`` when a name is unknown, the network has several inputs, or the
    ///   samples have another shape.
    public func predict(_ x: Tensor, outputs: [String]) throws -> [String: Tensor] {
        let network = network
        // A model's shapes are checked where its graph for them is made.
        let samples = network.imported == nil ? try network.checked(x) : x
        return try network.predict([network.graph.inputs[0].name: samples], outputs: outputs)
    }
}

extension Network {
    /// Outputs by name: the graph's own, or what any of its nodes gives.
    ///
    /// ```swift
    /// let some = try network.predict(["image": x], outputs: ["pool5", "logits"])
    /// ```
    ///
    /// - Parameters:
    ///   - inputs: a batch for each of the graph's inputs, by name; all of as many samples.
    ///   - outputs: names of outputs, nodes or inputs, or `layer4` for the last node of those whose
    ///     names begin with `layer4.`; the graph's outputs when nil.
    /// - Throws: ``TensorError`` when a name is unknown or missing, or a shape is wrong.
    public func predict(
        _ inputs: [String: Tensor], outputs: [String]? = nil
    ) throws -> [String: Tensor] {
        let names = outputs ?? graph.outputs.map(\.name)
        if let imported {
            let results = try imported.predict(self, inputs, outputs: outputs)
            return Dictionary(zip(names, results)) { first, _ in first }
        }
        let tensors = try checked(inputs, operation: "predict")
        let part = try graph.with(outputs: names)
        // Other outputs are another plan: what is asked for can't be fused away.
        let plan = outputs == nil ? predictionPlan : Plan(part, fusion: .prediction)
        let results = try plan.predict(
            part, tensors, outputs == nil ? prepared : PreparedSteps(), on: kernels)
        return Dictionary(zip(names, results)) { first, _ in first }
    }

    /// The tensors in the order of the graph's inputs.
    ///
    /// - Parameter operation: what errors call the caller.
    func checked(
        _ inputs: [String: Tensor], operation: String
    ) throws(TensorError) -> [Tensor] {
        let names = graph.inputs.map(\.name)
        if let unknown = inputs.keys.filter({ !names.contains($0) }).min() {
            throw TensorError(
                operation: operation, argument: "inputs", value: unknown,
                expected: names.joined(separator: ", "))
        }
        if let missing = names.first(where: { inputs[$0] == nil }) {
            throw TensorError(
                operation: operation, argument: "inputs", value: "without \(missing)",
                expected: names.joined(separator: ", "))
        }
        // Asked for at most once, and not where all are as the network was made for.
        let shapes = names.compactMap { inputs[$0]?.shape }
        lazy var hasOtherShapes =
            graph.accepts(shapes) && imported?.hasSameLayers(for: shapes, as: self) ?? true
        var samples: Int?
        var tensors: [Tensor] = []
        for input in graph.inputs {
            guard let tensor = inputs[input.name] else { continue }
            let count = samples.map { "\($0)" } ?? "N"
            let isAsMade =
                tensor.shape.count == input.shape.count + 1
                && tensor.shape.dropFirst().elementsEqual(input.shape)
                && (imported == nil || tensor.shape == input.wholeShape)
            guard isAsMade || hasOtherShapes, samples == nil || tensor.shape[0] == samples else {
                throw TensorError(
                    operation: operation, argument: input.name, value: "\(tensor.shape)",
                    expected: "[\(count)" + input.shape.map { ", \($0)" }.joined() + "]")
            }
            samples = tensor.shape[0]
            tensors.append(tensor)
        }
        return tensors
    }
}

extension Graph {
    /// The graph with other outputs, each the name of an output or a node.
    func with(outputs names: [String]) throws(TensorError) -> Graph {
        var found: [Output] = []
        for name in names {
            let value =
                outputs.first { $0.name == name }?.value
                ?? nodes.firstIndex { $0.name == name }.map { Value(source: .node($0)) }
                ?? inputs.firstIndex { $0.name == name }.map { Value(source: .input($0)) }
                ?? nodes.lastIndex { $0.name.hasPrefix("\(name).") }
                .map { Value(source: .node($0)) }
            guard let value else {
                throw TensorError(
                    operation: "predict", argument: "outputs", value: name,
                    expected: "the name of an output or a layer")
            }
            found.append(Output(name: name, value: value))
        }
        var graph = self
        graph.outputs = found
        return graph
    }
}
