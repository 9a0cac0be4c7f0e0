// SPDX-License-Identifier: MIT
//
// What a network does with its layers: in which order they run, and which run as one. A convolution
// or an affine layer takes the max pooling and the ReLU behind it along, so that what lies between
// need not go to memory. Everywhere else a network looks as it was written.

/// Layers of a network that run as one, by their places.
struct NetworkStep: Sendable {
    /// The first, and most often the only one.
    let layer: Int
    /// A max pooling of a convolution's output.
    var pooling: Int?
    /// A ReLU of what comes out of the others.
    var relu: Int?

    /// The steps of a network, in the order they run.
    ///
    /// A max pooling right behind a ReLU goes before it: the largest number of a window is rectified
    /// to the same as the largest rectified one, NaN included; and where it is not positive, no
    /// gradient passes either way. So results and gradients are the same bits, and ReLU has only the
    /// pooled numbers to work on.
    static func plan(for layers: [any Layer]) -> [NetworkStep] {
        var order = Array(layers.indices)
        for index in layers.indices.dropFirst()
        where layers[index - 1] is ReLU && layers[index] is MaxPooling {
            order.swapAt(index - 1, index)
        }
        var steps: [NetworkStep] = []
        for index in order {
            guard var step = steps.last else {
                steps.append(NetworkStep(layer: index))
                continue
            }
            let first = layers[step.layer]
            if layers[index] is MaxPooling, first is Convolution, step.pooling == nil,
                step.relu == nil
            {
                step.pooling = index
            } else if layers[index] is ReLU, first is Convolution || first is Affine,
                step.relu == nil
            {
                step.relu = index
            } else {
                steps.append(NetworkStep(layer: index))
                continue
            }
            steps[steps.count - 1] = step
        }
        return steps
    }
}

extension Network {
    /// The output of a step, keeping nothing.
    func predict(_ x: Tensor, through step: NetworkStep) throws -> Tensor {
        // By itself a layer is called where it lies: to look at its type is to copy it.
        guard step.pooling != nil || step.relu != nil else {
            return try layers[step.layer].layer.predict(x, on: kernels)
        }
        switch layers[step.layer].layer {
        case let convolution as Convolution:
            let pooling = step.pooling.flatMap { layers[$0].layer as? MaxPooling }
            return try convolution.predict(
                x, pooledBy: pooling, rectified: step.relu != nil, on: kernels)
        case let affine as Affine:
            return try affine.predict(x, rectified: step.relu != nil, on: kernels)
        case let layer:
            return try layer.predict(x, on: kernels)
        }
    }

    /// The output of a step; its layers keep what their gradients need.
    mutating func forward(_ x: Tensor, through step: NetworkStep) throws -> Tensor {
        let output: Tensor
        if var convolution = layers[step.layer].layer as? Convolution {
            var pooling = step.pooling.flatMap { layers[$0].layer as? MaxPooling }
            output = try convolution.forward(
                x, pooledBy: &pooling, rectified: step.relu != nil, on: kernels)
            layers[step.layer].layer = convolution
            if let place = step.pooling, let pooling { layers[place].layer = pooling }
        } else if var affine = layers[step.layer].layer as? Affine {
            output = try affine.forward(x, rectified: step.relu != nil, on: kernels)
            layers[step.layer].layer = affine
        } else {
            return try layers[step.layer].layer.forward(x, on: kernels)
        }
        if let place = step.relu { layers[place].layer = ReLU(output: output) }
        return output
    }

    /// The gradient with respect to a step's input, nil where it is not needed; the layers keep the
    /// gradients of their parameters.
    mutating func backward(
        _ outputGradient: Tensor, through step: NetworkStep, needsInputGradient: Bool
    ) throws -> Tensor? {
        var gradient = outputGradient
        if let place = step.relu { gradient = try backward(gradient, through: place) }
        if let place = step.pooling {
            // Only the gradient with respect to images needs that of all the convolution's outputs.
            if !needsInputGradient, var convolution = layers[step.layer].layer as? Convolution,
                var pooling = layers[place].layer as? MaxPooling
            {
                try convolution.backward(gradient, pooledBy: &pooling, on: kernels)
                layers[step.layer].layer = convolution
                layers[place].layer = pooling
                return nil
            }
            gradient = try backward(gradient, through: place)
        }
        guard needsInputGradient else {
            return try layers[step.layer].layer.backward(
                gradient, needsInputGradient: false, on: kernels)
        }
        return try backward(gradient, through: step.layer)
    }

    /// The gradient with respect to a layer's input.
    private mutating func backward(_ outputGradient: Tensor, through place: Int) throws -> Tensor {
        let gradient = try layers[place].layer.backward(
            outputGradient, needsInputGradient: true, on: kernels)
        guard let gradient else {
            throw TensorError.missingGradient(of: "layer \(layers[place].name)")
        }
        return gradient
    }
}
