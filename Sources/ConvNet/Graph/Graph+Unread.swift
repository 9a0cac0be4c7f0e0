// SPDX-License-Identifier: MIT
//
// Nodes whose values nothing reads: what a model computed before any image came is known by then.

extension Graph {
    /// The same graph without nodes that lead to no output.
    func withoutUnreadNodes() throws -> Graph {
        var isRead = [Bool](repeating: false, count: nodes.count)
        func mark(_ value: Value) {
            if case .node(let place) = value.source { isRead[place] = true }
        }
        for output in outputs { mark(output.value) }
        for ties in [parameterTies, bufferTies] {
            // What others share a tensor with holds it for them.
            for follower in ties.followers { isRead[ties.owner(of: follower).node] = true }
        }
        for place in nodes.indices.reversed() where isRead[place] {
            nodes[place].inputs.forEach(mark)
        }
        guard isRead.contains(false) else { return self }
        var places: [Int: Int] = [:]
        func moved(_ value: Value) -> Value {
            guard case .node(let place) = value.source else { return value }
            return Value(source: .node(places[place] ?? place))
        }
        var graph = Graph()
        for input in inputs { _ = try graph.input(input.name, wholeShape: input.wholeShape) }
        for (place, node) in nodes.enumerated() where isRead[place] {
            _ = try graph.add(
                node.layer, node.inputs.map(moved), name: node.name, tensorNames: node.tensorNames)
            places[place] = graph.nodes.count - 1
        }
        graph.outputs = outputs.map { Output(name: $0.name, value: moved($0.value)) }
        graph.parameterTies = parameterTies.moved(to: places)
        graph.bufferTies = bufferTies.moved(to: places)
        return graph
    }
}

extension TiedTensors {
    /// The same with nodes at other places; those that are gone are tied to nothing.
    func moved(to places: [Int: Int]) -> TiedTensors {
        var ties = TiedTensors()
        for follower in followers {
            let owner = owner(of: follower)
            guard let one = places[follower.node], let other = places[owner.node] else { continue }
            ties.tie(
                TensorPlace(node: one, index: follower.index),
                TensorPlace(node: other, index: owner.index))
        }
        return ties
    }
}
