// SPDX-License-Identifier: MIT
//
// Batch normalizations that run together with the addition and the activation behind them in
// training.

@testable import ConvNet
import ConvNetTestSupport
import Testing

struct FusedNormalizationTests {
    /// Gradients, moved statistics and the loss are the bits of single layers.
    @Test(arguments: 0..<24)
    func fusingChangesNoBit(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let network = try Self.drawn(&draw)
        let x = try draw.normal([3, 4, 5, 7])
        let plans = [Plan(network.graph, fusion: .none), network.plan]
        let (apart, together) = (
            try Self.gradients(network, x, plans[0]), try Self.gradients(network, x, plans[1])
        )
        #expect(apart.outcome.loss.mean == together.outcome.loss.mean, "seed \(seed)")
        for (one, other) in zip(apart.outcome.buffers, together.outcome.buffers) {
            #expect(one.hasSameBits(as: other), "seed \(seed)")
        }
        for (number, (one, other)) in zip(apart.parameters, together.parameters).enumerated() {
            #expect(
                try #require(one).hasSameBits(as: #require(other)),
                "\(network.parameters[number].name), seed \(seed)")
        }
    }

    /// What is fused: a sum with a value from before and from behind, an activation whose gradient
    /// takes the output, and neither where something else reads what lies between.
    @Test func whatStandsBehindIsTakenIn() throws {
        func kinds(
            _ body: (inout Graph, Graph.Value) throws -> Graph.Value, frozen: Set<Int> = []
        ) throws -> [String] {
            var graph = Graph()
            let x = try graph.input("x", [4, 5, 5])
            try graph.output(body(&graph, x), "y")
            return Plan(graph, fusion: .training, frozenNodes: frozen).steps.map { step in
                guard case .normalization(let hasAddend, let activation) = step.kind else {
                    return "layer"
                }
                return "\(hasAddend ? "sum " : "")\(activation?.name ?? "alone")"
            }
        }
        let normalization = try BatchNormalization(channels: 4)
        func rectified(_ graph: inout Graph, _ x: Graph.Value) throws -> Graph.Value {
            try graph.add(Activation.relu, graph.add(normalization, x))
        }
        #expect(try kinds(rectified) == ["relu"])
        #expect(try kinds(rectified, frozen: [0]) == ["layer", "layer"])
        #expect(
            try kinds { try $0.add(Activation.silu, $0.add(normalization, $1)) }
                == ["alone", "layer"])
        #expect(
            try kinds {
                let sum = try $0.add(Addition(), $0.add(normalization, $1), $1)
                return try $0.add(Activation.relu6, sum)
            } == ["sum clip"])
        // The first of two is added by the second, which stands behind it.
        #expect(
            try kinds {
                let first = try $0.add(normalization, $1)
                return try $0.add(Addition(), first, $0.add(normalization, $1))
            } == ["alone", "sum alone"])
        // Both of the sum's inputs are the same value; an output reads what lies between.
        #expect(
            try kinds {
                let y = try $0.add(normalization, $1)
                return try $0.add(Addition(), y, y)
            } == ["alone", "layer"])
        #expect(
            try kinds {
                let y = try $0.add(normalization, $1)
                try $0.output(y, "between")
                return try $0.add(Activation.relu, y)
            } == ["alone", "layer"])
    }

    private static func gradients(
        _ network: Network, _ x: Tensor, _ plan: Plan
    ) throws -> (outcome: StepOutcome, parameters: [Tensor?]) {
        try network.computeGradients(
            [x], targets: .labels([0, 3, 1]), loss: SoftmaxCrossEntropy(), plan: plan)
    }

    /// Normalizations, activations and sums of earlier values in any order.
    private static func drawn(_ draw: inout Draw) throws -> Network {
        let activations: [Activation] = [.relu, .relu6, .sigmoid, .tanh, .silu]
        return try Network(inputShape: [4, 5, 7]) { graph, image in
            var values = [try graph.add(BatchNormalization(channels: 4), image)]
            for _ in 0..<draw.int(3...9) {
                let last = values[values.count - 1]
                switch draw.int(0...3) {
                case 0: values.append(try graph.add(draw.pick(activations), last))
                case 1: values.append(try graph.add(Addition(), last, draw.pick(values)))
                default:
                    values.append(try graph.add(BatchNormalization(channels: 4), last))
                }
            }
            let pooled = try graph.add(GlobalAveragePooling(), values[values.count - 1])
            return try graph.add(
                Affine(inputSize: 4, outputSize: 4, seed: 3), graph.add(Flatten(), pooled))
        }
    }
}
