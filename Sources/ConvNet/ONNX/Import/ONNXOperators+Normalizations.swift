// SPDX-License-Identifier: MIT
//
// Normalizations. Those whose weights are known are layers that can be trained.

extension ONNXOperators {
    /// Normalizations.
    static let normalizations: [String: Entry] = [
        "BatchNormalization": Entry(
            ["epsilon", "momentum", "spatial", "is_test", "training_mode", "consumed_inputs"],
            batchNormalization),
        "InstanceNormalization": Entry(["epsilon", "consumed_inputs"]) { node, importer in
            let (gamma, beta) = (
                try weight(node, 1, "scale", &importer), try weight(node, 2, "B", &importer)
            )
            let layer = try InstanceNormalization(
                gamma: gamma.tensor, beta: beta.tensor, epsilon: node.float("epsilon", 1e-5))
            return [try importer.normalized(node.input(0), layer, gamma.name, beta.name)]
        },
        "GroupNormalization": Entry(["epsilon", "num_groups", "stash_type"], groupNormalization),
        "LayerNormalization": Entry(
            ["axis", "epsilon", "stash_type", "axes"], layerNormalization),
        "RMSNormalization": Entry(["axis", "epsilon", "stash_type"]) { node, importer in
            try checkStashType(node)
            let x = try node.input(0)
            let rank = try importer.shape(of: x).count
            let axis = try ONNXNodeView.axis(node.int("axis", -1), rank: rank)
            let square = try importer.combine(.multiply, x, x, isLast: false)
            let mean = try importer.reduced(square, .mean, Array(axis..<rank))
            let sum = try importer.combine(
                .add, mean, importer.number(node.float("epsilon", 1e-5)), isLast: false)
            let root = try importer.apply(Pointwise(.squareRoot), sum, isLast: false)
            let quotient = try importer.combine(.divide, x, root, isLast: false)
            return [try importer.combine(.multiply, quotient, node.input(1))]
        },
        "LRN": Entry(["alpha", "beta", "bias", "size"]) { node, importer in
            let size = try node.int("size", 0)
            guard size % 2 == 1 else {
                throw ONNXRefusal("size", "\(size)", expected: "an odd number")
            }
            let layer = try LocalResponseNormalization(
                size: size, alpha: node.float("alpha", 1e-4), beta: node.float("beta", 0.75),
                k: node.float("bias", 1))
            return [try importer.apply(layer, node.input(0))]
        },
        "MeanVarianceNormalization": Entry(["axes"]) { node, importer in
            let x = try node.input(0)
            let rank = try importer.shape(of: x).count
            let axes = try (node.ints("axes") ?? [0, 2, 3]).map {
                try ONNXNodeView.axis($0, rank: rank, "axes")
            }
            let mean = try importer.reduced(x, .mean, axes)
            let rest = try importer.combine(.subtract, x, mean, isLast: false)
            let variance = try importer.reduced(
                importer.combine(.multiply, rest, rest, isLast: false), .mean, axes)
            let deviation = try importer.apply(Pointwise(.squareRoot), variance, isLast: false)
            let sum = try importer.combine(
                .add, deviation, importer.number(1e-9), isLast: false)
            return [try importer.combine(.divide, rest, sum)]
        },
        "LpNormalization": Entry(["axis", "p"]) { node, importer in
            let x = try node.input(0)
            let axis = try ONNXNodeView.axis(
                node.int("axis", -1), rank: importer.shape(of: x).count)
            let p = try node.int("p", 2)
            guard (1...2).contains(p) else { throw ONNXRefusal("p", "\(p)", expected: "1 or 2") }
            let norm =
                p == 2
                ? try importer.reduced(x, .l2, [axis])
                : try importer.reduced(
                    importer.apply(Pointwise(.absolute), x, isLast: false), .sum, [axis])
            let quotient = try importer.combine(.divide, x, norm, isLast: false)
            // Where all are 0, so is the result.
            let isZero = try importer.apply(Pointwise(.isZero), norm, isLast: false)
            let zero = try importer.running(importer.number(0))
            return [
                .running(
                    try importer.emit(
                        Selection(.byTruth),
                        [zero, importer.running(quotient), importer.running(isZero)]),
                    .float)
            ]
        },
    ]

    private static func batchNormalization(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        if try node.flag("training_mode") { return try importer.batchNormalized(node) }
        // Before version 14 there were five outputs in training.
        guard node.outputCount < 2 else {
            throw ONNXRefusal("training_mode", "1", expected: "0 (prediction)")
        }
        guard try node.flag("spatial", true) else {
            throw ONNXRefusal("spatial", "0", expected: "1 (statistics per channel)")
        }
        let names = ["gamma", "beta", "mean", "variance"]
        let tensors = try names.enumerated().map { try weight(node, $0 + 1, $1, &importer) }
        // ONNX's momentum is the share that stays.
        let layer = try BatchNormalization(
            gamma: tensors[0].tensor, beta: tensors[1].tensor, mean: tensors[2].tensor,
            variance: tensors[3].tensor, epsilon: node.float("epsilon", 1e-5),
            momentum: min(max(1 - node.float("momentum", 0.9), 0), 1))
        return [
            .running(
                try importer.emit(
                    layer, importer.running(node.input(0)),
                    tensorNames: Dictionary(uniqueKeysWithValues: zip(names, tensors.map(\.name)))),
                .float)
        ]
    }

    /// Groups are the channels of an instance normalization; scale and bias are those of groups in
    /// version 18, and of channels from 21 on.
    private static func groupNormalization(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let groups = try node.int("num_groups", 0)
        let (gamma, beta) = (
            try weight(node, 1, "scale", &importer), try weight(node, 2, "bias", &importer)
        )
        let epsilon = try node.float("epsilon", 1e-5)
        guard shape.count >= 2, (1...max(1, shape[1])).contains(groups), shape[1] % groups == 0
        else {
            throw ONNXRefusal("num_groups", "\(groups)", expected: "a divisor of the channels")
        }
        guard gamma.tensor.count != groups || groups == shape[1] else {
            let rows = [shape[0], groups, shape[1] / groups * shape[2...].reduce(1, *)]
            let grouped = try importer.reshape(x, to: rows, isLast: false)
            let layer = try InstanceNormalization(
                gamma: gamma.tensor, beta: beta.tensor, epsilon: epsilon)
            let result = try importer.normalized(grouped, layer, gamma.name, beta.name)
            return [try importer.reshape(result, to: shape, isLast: false)]
        }
        let layer = try GroupNormalization(
            groups: groups, gamma: gamma.tensor, beta: beta.tensor, epsilon: epsilon)
        return [try importer.normalized(x, layer, gamma.name, beta.name)]
    }

    /// Refuses statistics of another type than `Float`.
    private static func checkStashType(_ node: ONNXNodeView) throws {
        let type = try node.int("stash_type", 1)
        guard type == 1 else {
            throw ONNXRefusal("stash_type", "\(type)", expected: "1 (FLOAT)")
        }
    }

    private static func layerNormalization(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        try checkStashType(node)
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let axis = try ONNXNodeView.axis(node.int("axis", -1), rank: shape.count)
        let epsilon = try node.float("epsilon", 1e-5)
        let inner = Array(shape[axis...])
        // Those of a formula that was found need not reach up to the last.
        let axes = try (node.ints("axes") ?? Array(axis..<shape.count)).map {
            try ONNXNodeView.axis($0, rank: shape.count, "axes")
        }
        if node.outputCount == 1, axis >= 1, axes == Array(axis..<shape.count),
            case .constant(let gamma, let name) = try node.input(1),
            gamma.shape == inner, let scale = gamma.tensor
        {
            var (beta, betaName) = (try Tensor(zeros: inner), "")
            if node.optional(2) != nil { (beta, betaName) = try weight(node, 2, "B", &importer) }
            if beta.shape == inner {
                let layer = try LayerNormalization(gamma: scale, beta: beta, epsilon: epsilon)
                return [try importer.normalized(x, layer, name, betaName)]
            }
        }
        let mean = try importer.reduced(x, .mean, axes)
        let rest = try importer.combine(.subtract, x, mean, isLast: false)
        let variance = try importer.reduced(
            importer.combine(.multiply, rest, rest, isLast: false), .mean, axes)
        let sum = try importer.combine(
            .add, variance, importer.number(epsilon), isLast: false)
        let root = try importer.apply(Pointwise(.squareRoot), sum, isLast: false)
        let inverse = try importer.apply(Pointwise(.reciprocal), root, isLast: false)
        var y = try importer.combine(.multiply, rest, inverse, isLast: false)
        y = try importer.combine(.multiply, y, node.input(1), isLast: node.optional(2) == nil)
        if let bias = node.optional(2) { y = try importer.combine(.add, y, bias) }
        return [y, mean, inverse]
    }
}

extension ONNXImporter {
    /// A normalization of channels by their own mean and variance, which weights go through before
    /// they are used.
    ///
    /// - Returns: the result, and the running mean and variance behind it.
    fileprivate mutating func batchNormalized(_ node: ONNXNodeView) throws -> [Value] {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        guard shape.count >= 2 else {
            throw ONNXRefusal("X", "\(shape)", expected: "[N, C, …]")
        }
        let axes = shape.indices.filter { $0 != 1 }
        let mean = try reduced(x, .mean, axes)
        let rest = try combine(.subtract, x, mean, isLast: false)
        let variance = try reduced(
            combine(.multiply, rest, rest, isLast: false), .mean, axes)
        let sum = try combine(
            .add, variance, number(node.float("epsilon", 1e-5)), isLast: false)
        let root = try apply(Pointwise(.squareRoot), sum, isLast: false)
        var y = try combine(.divide, rest, root, isLast: false)
        let channels = [shape[1]] + shape.dropFirst(2).map { _ in 1 }
        y = try combine(
            .multiply, y, reshape(node.input(1), to: channels, isLast: false), isLast: false)
        y = try combine(.add, y, reshape(node.input(2), to: channels, isLast: false))
        let share = try node.float("momentum", 0.9)
        return try [y]
            + [(3, mean), (4, variance)].map { place, own in
                let kept = try combine(
                    .multiply, node.input(place), number(share), isLast: false)
                let row = try reshape(own, to: [shape[1]], isLast: false)
                return try combine(
                    .add, kept, combine(.multiply, row, number(1 - share), isLast: false),
                    isLast: false)
            }
    }

    /// A normalization with gamma and beta.
    fileprivate mutating func normalized(
        _ value: Value, _ layer: any Layer, _ gamma: String, _ beta: String
    ) throws -> Value {
        .running(
            try emit(layer, running(value), tensorNames: ["gamma": gamma, "beta": beta]), .float)
    }

    /// A reduction whose axes stay, with extent 1.
    mutating func reduced(
        _ value: Value, _ reduction: Reduction, _ axes: [Int], keepsAxes: Bool = true,
        isLast: Bool = false
    ) throws -> Value {
        let layer: any Layer =
            axes.contains(0)
            ? Reduce(reduction, anyAxes: axes, keepsAxes: keepsAxes)
            : try Reduce(reduction, axes: axes, keepsAxes: keepsAxes)
        return .running(try emit(layer, running(value), isLast: isLast), type(of: value))
    }
}
