// SPDX-License-Identifier: MIT
//
// How much of a loss may be rounding, to first order (Higham, "Accuracy and stability of numerical
// algorithms", 2002, chapter 3): what each layer rounds, times how much the loss depends on it.

/// A bound on the rounding error of a network's loss in `float64`.
///
/// A layer rounds sums of at most n numbers, n being those of its input. In a layer of products
/// each output is then off by γₙ · Σ|w·x|, which the layer of absolute values computes. ReLU and
/// max pooling choose numbers and round none. In any other layer an output is taken to be off by γₙ
/// of the largest output, and by what comes of inputs that are off by γₙ of the largest input, as
/// differences from a mean are.
enum LossRounding {
    /// The bound for the next training step's loss on a batch.
    static func bound(of network: Network, _ x: Tensor, labels: [Int]) throws -> Double {
        let (kernels, graph) = (network.kernels, network.graph)
        // Node by node, as nodes that run as one hide what lies between.
        let plan = Plan(graph, fusion: .none)
        let pass = Pass(kernels: kernels, step: network.trainingStep)
        var nodes: [NodePass] = []
        var tape = try plan.forward(graph, [network.checked(x)], pass, keepsAll: true) {
            nodes.append(NodePass(inputs: $1, output: $2))
        }
        let logits = tape.outputs[0]
        let result = try kernels.softmaxCrossEntropy(logits, labels: labels)
        // A few dozen roundings make a row's loss of its logits.
        var bound = gamma(32 + logits.count) * (abs(result.loss) + largest(logits))
        var outputGradient = result.gradient
        try tape.backward(
            graph, [result.gradient], wantsAllInputs: true,
            willPass: { outputGradient = $1 },
            didPass: { place, found in
                let step = plan.steps[place]
                bound += try effect(
                    of: graph.nodes[step.node].layer, nodes[place], outputGradient, found.inputs,
                    on: kernels)
            })
        return bound
    }

    /// What went through a node.
    private struct NodePass {
        let inputs: [Tensor]
        let output: Tensor
    }

    /// What a layer's roundings may change the loss by.
    private static func effect(
        of layer: any Layer, _ pass: NodePass, _ outputGradient: Tensor,
        _ inputGradients: [Tensor?], on kernels: any Kernels
    ) throws -> Double {
        let input = pass.inputs[0]
        switch layer.pattern {
        case .activation(.relu), .maxPooling: return 0
        case .convolution, .affine:
            let outputs = try magnitudes(of: layer).predict(
                pass.inputs.map(magnitudes), on: kernels)
            let effect = zip(outputGradient.doubles, outputs.doubles)
                .reduce(0) { $0 + abs($1.0) * $1.1 }
            return gamma(input.count / input.shape[0] + 1) * effect
        default:
            let outputs = largest(pass.output) * sum(outputGradient)
            let inputs = zip(pass.inputs, inputGradients).reduce(0) {
                $0 + largest($1.0) * sum($1.1 ?? outputGradient)
            }
            let count = pass.inputs.reduce(0) { $0 + $1.count }
            return gamma(count + 32) * (outputs + inputs)
        }
    }

    /// γ_k = k·u / (1 − k·u), for `Double`.
    private static func gamma(_ k: Int) -> Double {
        let product = Double(k) * 0x1p-53
        return product / (1 - product)
    }

    private static func largest(_ x: Tensor) -> Double {
        x.doubles.reduce(0) { max($0, abs($1)) }
    }

    private static func sum(_ x: Tensor) -> Double { x.doubles.reduce(0) { $0 + abs($1) } }

    private static func magnitudes(_ x: Tensor) throws -> Tensor {
        try Tensor(shape: x.shape, doubles: x.doubles.map(abs))
    }

    private static func magnitudes(of layer: any Layer) throws -> any Layer {
        var copy = layer
        copy.parameters = try layer.parameters.map(magnitudes)
        return copy
    }
}
