// SPDX-License-Identifier: MIT
//
// How much of a loss may be rounding, to first order (Higham, "Accuracy and stability of numerical
// algorithms", 2002, chapter 3): what each layer rounds, times how much the loss depends on it.

/// A bound on the rounding error of a network's loss in `float64`.
///
/// A layer rounds sums of at most n numbers, n being those of its input. In a layer of products each
/// output is then off by γₙ · Σ|w·x|, which the layer of absolute values computes. ReLU and max pooling
/// choose numbers and round none. In any other layer an output is taken to be off by γₙ of the largest output, and by what comes of inputs that are off by γₙ of the
/// largest input, as differences from a mean are.
enum LossRounding {
    /// The bound for the next training step's loss on a batch.
    static func bound(of network: Network, _ x: Tensor, labels: [Int]) throws -> Double {
        let kernels = network.kernels
        var layers = network.layers.map(\.layer)
        var signals = [try network.checked(x)]
        for index in layers.indices {
            layers[index].willTrain(step: network.trainingStep)
            signals.append(try layers[index].forward(signals[index], on: kernels))
        }
        let logits = signals[layers.count]
        let result = try kernels.softmaxCrossEntropy(logits, labels: labels)
        // A few dozen roundings make a row's loss of its logits.
        var bound =
            gamma(32 + logits.count) * (abs(result.loss) + largest(logits))
        var gradient = result.gradient
        for index in layers.indices.reversed() {
            let input = signals[index]
            let outputGradient = gradient
            let inputGradient = try layers[index].backward(
                gradient, needsInputGradient: true, on: kernels)
            if layers[index] is Convolution || layers[index] is Affine {
                let outputs = try magnitudes(of: layers[index])
                    .predict(magnitudes(input), on: kernels)
                let effect = zip(outputGradient.doubles, outputs.doubles)
                    .reduce(0) { $0 + abs($1.0) * $1.1 }
                bound += gamma(input.count / input.shape[0] + 1) * effect
            } else if !(layers[index] is ReLU || layers[index] is MaxPooling) {
                let outputs = largest(signals[index + 1]) * sum(outputGradient)
                let inputs = largest(input) * sum(inputGradient ?? outputGradient)
                bound += gamma(input.count + 32) * (outputs + inputs)
            }
            guard let inputGradient else { break }
            gradient = inputGradient
        }
        return bound
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
        try copy.updateParameters { _, value, _ in value = try magnitudes(value) }
        return copy
    }
}
