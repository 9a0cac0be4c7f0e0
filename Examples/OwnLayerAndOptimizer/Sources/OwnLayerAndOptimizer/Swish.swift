// SPDX-License-Identifier: MIT
//
// A layer with a parameter: Swish with a slope that is trained; Ramachandran et al., "Searching for
// activation functions", 2017.

import ConvNet

/// `x · σ(slope · x)` for each number, with one trained slope.
struct Swish: UnaryLayer {
    /// The slope, `[1]`. An optimizer changes it in place.
    var parameters: [Tensor]
    let parameterNames = ["slope"]

    init(slope: Float = 1) throws {
        parameters = [try Tensor(shape: [1], scalars: [slope])]
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// Nothing is kept in the layer: what the gradient needs, the pullback captures.
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let slope = try slope()
        let gate = try pass.kernels.sigmoid(slope * x)
        return Forward(try x * gate) { outputGradient, wanted in
            // σ' = σ (1 − σ), so dy/dx = σ + slope·x·σ' and dy/dslope = x²·σ'.
            let derivative = try gate.map { $0 * (1 - $0) }
            var gradients = LayerGradients(input: nil)
            if wanted.input {
                let local = try gate + slope * (x * derivative)
                gradients.inputs = [try outputGradient * local]
            }
            if wanted.parameters {
                let products = try outputGradient * (x * x * derivative)
                let sum = products.scalars.reduce(0) { $0 + Double($1) }
                gradients.parameters = [
                    try Tensor(shape: [1], doubles: [sum])
                        .converted(to: x.scalarType)
                ]
            }
            return gradients
        }
    }

    /// Anybody may have replaced the parameter by another shape.
    private func slope() throws -> Double {
        guard parameters.count == 1, parameters[0].count == 1 else {
            throw TensorError(
                operation: "Swish", argument: "slope", value: "\(parameters.map(\.shape))",
                expected: "one number")
        }
        return parameters[0].doubles[0]
    }
}

/// With this, files can hold the layer.
extension Swish: DescribedLayer {
    static let typeName = "Swish"
    var layerSettings: LayerSettings { [:] }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: [])
        parameters = try tensors.require(only: ["slope"])
        _ = try slope()
    }
}
