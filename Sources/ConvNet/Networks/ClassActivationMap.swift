// SPDX-License-Identifier: MIT
//
// Where in an image a network sees a class: Grad-CAM, Selvaraju et al., "Grad-CAM: visual
// explanations from deep networks via gradient-based localization", 2017.

/// How much each place of a layer's output speaks for a class.
public struct ClassActivationMap: Sendable {
    /// One number per place, `[1, 1, H, W]`, at least 0: `max(0, Σ α[c] · A[c])`, A being the
    /// layer's output and α[c] the mean over its plane of the gradient of the class's logit.
    public let values: Tensor
    /// The class.
    public let label: Int
    /// The layer's name.
    public let layer: String
}

extension Classifier {
    /// Where a network sees a class in an image (Grad-CAM).
    ///
    /// ```swift
    /// let map = try network.classActivationMap(of: x, layer: "layer4")
    /// ```
    ///
    /// All layers work as in prediction.
    ///
    /// - Parameters:
    ///   - x: one sample, `[1, C, H, W]`.
    ///   - label: the class; the one of the largest logit when nil.
    ///   - layer: a layer whose output is `[C, H, W]`, or `layer4` for the last one of those
    ///     whose names begin with `layer4.`; when nil the last one of the network with more
    ///     than one place.
    /// - Throws: ``TensorError`` when the sample has another shape, or there is no such
    ///   class or layer.
    public func classActivationMap(
        of x: Tensor, label: Int? = nil, layer: String? = nil
    ) throws -> ClassActivationMap {
        try network.activationMap(of: network.checked(x), label: label, layer: layer)
    }
}

extension Network {
    private static func refused(
        _ argument: String, _ value: String, _ expected: String
    ) -> TensorError {
        TensorError(
            operation: "classActivationMap", argument: argument, value: value, expected: expected)
    }

    fileprivate func activationMap(
        of x: Tensor, label: Int?, layer: String?
    ) throws -> ClassActivationMap {
        guard x.shape.first == 1 else { throw Self.refused("x", "\(x.shape)", "one sample") }
        guard outputShape.count == 1 else {
            throw Self.refused("network", "an output of \(outputShape)", "[K]")
        }
        let target = try node(named: layer)
        let graph = try graphAsInPrediction()
        // Node by node, as nodes that run as one hide what lies between.
        let plan = Plan(
            graph, fusion: .none,
            frozenNodes: Set(graph.nodes.indices.filter { !graph.nodes[$0].layer.buffers.isEmpty }))
        var activation: Tensor?
        var tape = try plan.forward(graph, [x], Pass(kernels: kernels), keepsAll: true) {
            if $0 == target { activation = $2 }
        }
        let logits = tape.outputs[0]
        let label = try label ?? logits.argmaxOfRows()[0]
        guard (0..<outputShape[0]).contains(label) else {
            throw Self.refused("label", "\(label)", "from 0 to \(outputShape[0] - 1)")
        }
        var scores = [Double](repeating: 0, count: logits.count)
        scores[label] = 1
        let direction = try Tensor(shape: logits.shape, doubles: scores)
            .converted(to: logits.scalarType)
        let others = tape.outputs.dropFirst().map { _ in Tensor?.none }
        var gradient: Tensor?
        try tape.backward(
            graph, [direction] + others, wantsAllInputs: true,
            willPass: { if plan.steps[$0].node == target { gradient = $1 } })
        guard let activation, let gradient else {
            throw Self.refused(
                "layer", graph.nodes[target].name, "one that the first output depends on")
        }
        return ClassActivationMap(
            values: try Self.weighted(activation, by: gradient), label: label,
            layer: graph.nodes[target].name)
    }

    /// The node that a name means.
    private func node(named name: String?) throws(TensorError) -> Int {
        func isImage(_ node: Graph.Node) -> Bool { node.shape.count == 3 }
        let found =
            if let name {
                graph.nodes.firstIndex { $0.name == name }
                    ?? graph.nodes.lastIndex { $0.name.hasPrefix("\(name).") && isImage($0) }
            } else {
                graph.nodes.lastIndex { isImage($0) && $0.shape[1] * $0.shape[2] > 1 }
            }
        guard let found, isImage(graph.nodes[found]) else {
            throw Self.refused(
                "layer", name ?? "none",
                "a layer with an output of [C, H, W], one of "
                    + ParameterMatch.list(graph.nodes.filter(isImage).map(\.name)))
        }
        return found
    }

    /// The graph without what training alone does.
    private func graphAsInPrediction() throws -> Graph {
        var graph = graph
        for (place, node) in graph.nodes.enumerated() where node.layer is Dropout {
            graph.nodes[place].layer = try Dropout(rate: 0)
        }
        return graph
    }

    /// The planes' sum, each weighted by the mean of its gradient, as far as it is above 0.
    private static func weighted(_ activation: Tensor, by gradient: Tensor) throws -> Tensor {
        let shape = activation.shape
        let plane = shape[2] * shape[3]
        let (values, slopes) = (activation.doubles, gradient.doubles)
        var sums = [Double](repeating: 0, count: plane)
        for channel in 0..<shape[1] {
            let range = channel * plane..<(channel + 1) * plane
            let weight = slopes[range].reduce(0, +) / Double(plane)
            for (place, index) in range.enumerated() { sums[place] += weight * values[index] }
        }
        return try Tensor(shape: [1, 1, shape[2], shape[3]], doubles: sums.map { max($0, 0) })
            .converted(to: .float32)
    }
}
