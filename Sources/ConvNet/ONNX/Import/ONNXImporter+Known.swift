// SPDX-License-Identifier: MIT
//
// What a model computes of constants alone, with the layers that would do it at run time: weights
// that are normalized first, position codes, masks.

extension ONNXImporter {
    /// The results of an operator of constants that are no weights, computed by its layers now; nil
    /// where the graph has to.
    mutating func evaluated(
        _ node: ONNXNodeView, _ entry: ONNXOperators.Entry
    ) throws -> [Value]? {
        let given = node.inputs.compactMap { $0 }
        guard !given.isEmpty, given.allSatisfy({ foldable($0) != nil }) else { return nil }
        var scratch = self
        (scratch.graph, scratch.stored, scratch.homes) = (Graph(), [:], [:])
        guard let results = try? entry.add(node, &scratch), !scratch.graph.nodes.isEmpty else {
            return nil
        }
        var values: [Value] = []
        for result in results {
            guard case .running(let value, let type) = result else {
                values.append(result)
                continue
            }
            guard try scratch.shape(of: result).reduce(1, *) <= ONNXArithmetic.mostNumbers,
                let known = try? scratch.known(value, type)
            else { return nil }
            values.append(.constant(known, name: ""))
        }
        return values
    }

    /// The numbers of a value that follows from the network's own tensors; nil where an input has a
    /// part in it.
    func known(_ value: Graph.Value, _ type: ONNXType) throws -> ONNXConstant? {
        guard case .node(let last) = value.source else { return nil }
        var isNeeded = [Bool](repeating: false, count: last + 1)
        isNeeded[last] = true
        for place in (0...last).reversed() where isNeeded[place] {
            for input in graph.nodes[place].inputs {
                guard case .node(let before) = input.source else { return nil }
                isNeeded[before] = true
            }
        }
        // Few bytes of a file may ask for much memory.
        var room = 120_000_000
        for place in 0...last where isNeeded[place] {
            room -= graph.nodes[place].wholeShape.reduce(1, *)
            guard room >= 0 else { return nil }
        }
        var tensors: [Int: Tensor] = [:]
        for place in 0...last where isNeeded[place] {
            let inputs = graph.nodes[place].inputs.compactMap { input in
                if case .node(let before) = input.source { tensors[before] } else { nil }
            }
            tensors[place] = try graph.nodes[place].layer.predict(inputs, on: NativeKernels())
        }
        guard let tensor = tensors[last] else { return nil }
        guard type.isInteger else { return ONNXConstant(tensor) }
        let numbers = try tensor.doubles.map { number in
            guard let whole = Int(exactly: number) else {
                throw ONNXRefusal("", "\(number)", expected: "a whole number")
            }
            return whole
        }
        return ONNXConstant(shape: tensor.shape, type: type, integers: numbers)
    }
}
