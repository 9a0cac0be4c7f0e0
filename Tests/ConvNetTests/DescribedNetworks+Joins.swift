// SPDX-License-Identifier: MIT
//
// Networks whose branches are joined.

import ConvNet
import ConvNetTestSupport

/// An image and what a convolution makes of it, joined; the divisor and the base are above 0.
func joinedNetworks() throws -> [DescribedNetwork] {
    var draw = Draw(seed: 52)
    let weights = try draw.integers([3, 3, 3, 3])
    func network(
        _ name: String, isExact: Bool = false,
        _ join: @escaping (inout Graph, Graph.Value, Graph.Value) throws -> Graph.Value
    ) throws -> DescribedNetwork {
        let network = try Network(inputShape: [3, 4, 5]) { graph, image in
            let y = try graph.add(
                Convolution(
                    weights: weights, bias: Tensor(zeros: [3]), window: Window(3, padding: 1)),
                image)
            return try join(&graph, y, image)
        }
        return try DescribedNetwork(name, network, isExact: isExact)
    }
    var networks = try BinaryOperation.allCases.map { operation in
        try network("elementwise-\(operation.name)") { graph, y, image in
            let gate = try graph.add(Reduce(.mean, axes: [1]), y)
            let isPositive = operation == .divide || operation == .power
            let x = isPositive ? try graph.add(Activation.softplus, image) : image
            return operation == .divide
                ? try graph.add(Elementwise(operation), gate, x)
                : try graph.add(Elementwise(operation), x, gate)
        }
    }
    networks += [
        try network("multiplication", isExact: true) {
            try $0.add(Multiplication(), $1, $2, $2)
        },
        try network("gated-branch") { graph, y, image in
            let mean = try graph.add(Reduce(.mean, axes: [2, 3]), y)
            return try graph.add(
                Multiplication(), y, graph.add(Activation.sigmoid, mean))
        },
        try network("matrix-product", isExact: true) { graph, y, image in
            let square = try graph.add(
                Convolution(
                    weights: Tensor(shape: [2, 3, 1, 2], repeating: 1), bias: Tensor(zeros: [2]),
                    window: Window(height: 1, width: 2)), image)
            let one = try graph.add(Reduce(.sum, axes: [1]), square)
            return try graph.add(MatrixProduct(), one, y)
        },
    ]
    return try networks + concatenatedNetworks()
}

private func concatenatedNetworks() throws -> [DescribedNetwork] {
    let branches = try Network(inputShape: [3, 4, 5]) { graph, x in
        let y = try graph.add(Slice(axis: 1, to: 2), x)
        return try graph.add(Concatenation(axis: 1), y, x, y, graph.add(ReLU(), x))
    }
    let rows = try Network(inputShape: [3, 4]) { graph, x in
        try graph.add(Concatenation(axis: -1), x, x)
    }
    return [
        try DescribedNetwork("concatenation-of-branches", branches, isExact: true),
        try DescribedNetwork("concatenation-with-itself", rows, isExact: true),
        try DescribedNetwork(
            "instance-normalization-of-rows",
            Network(
                inputShape: [3],
                layers: [NamedLayer("norm1", InstanceNormalization(channels: 3, epsilon: 1))])),
    ]
}
