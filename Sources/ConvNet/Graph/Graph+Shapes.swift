// SPDX-License-Identifier: MIT
//
// Shapes that the layers do not fix: a fully convolutional network takes images of any size.

extension Graph {
    /// Whether the graph can work with inputs of other shapes than it was made for: each layer
    /// says so of its own, and those whose parameters stand for a number of pixels keep the shape
    /// that they had.
    ///
    /// - Parameter shapes: one for each input, the samples first.
    func accepts(_ shapes: [[Int]]) -> Bool {
        guard shapes.count == inputs.count else { return false }
        for (shape, input) in zip(shapes, inputs) {
            // The number of channels is never free.
            guard shape.count == input.shape.count + 1, shape.dropFirst().first == input.shape.first
            else { return false }
        }
        var inferred: [[Int]] = []
        func shape(of value: Value) -> [Int] {
            switch value.source {
            case .input(let index): shapes[index]
            case .node(let index): inferred[index]
            }
        }
        for node in nodes {
            let given = node.inputs.map(shape)
            if node.layer.fixesInputShape {
                let made = node.inputs.map { (try? self.shape(of: $0)) ?? [] }
                guard given.map({ Array($0.dropFirst()) }) == made else { return false }
            }
            guard let output = try? node.layer.outputShape(for: given) else { return false }
            inferred.append(output)
        }
        return true
    }
}
