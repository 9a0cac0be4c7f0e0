// SPDX-License-Identifier: MIT
//
// The activations, each in one place: formula, gradient, name, what it is in ONNX. The reference
// kernels, the layers, files and tests read them here; the native kernels have theirs in
// CSources/CConvKernels/include/convk_activations.h, under the same names.

/// A function that is applied to each number of a tensor.
///
/// Each is a layer too: `graph.add(Activation.silu, x)`.
public enum Activation: Sendable, Hashable {
    /// `max(x, 0)`; the gradient at 0 is 0.
    case relu
    /// `min(max(x, from), to)`; outside, and at both ends, the gradient is 0. ReLU6 is ``relu6``.
    case clip(from: Double, to: Double)
    /// `x > 0 ? x : slope · x`; the gradient at 0 is the slope.
    case leakyReLU(slope: Double = 0.01)
    /// `x > 0 ? x : alpha · (exp(x) − 1)` (Clevert et al., 2016).
    case elu(alpha: Double = 1)
    /// `1 / (1 + exp(−x))`.
    case sigmoid
    /// `min(max(alpha · x + beta, 0), 1)`; ONNX's alpha is 0.2, PyTorch's 1/6.
    case hardSigmoid(alpha: Double = 1.0 / 6, beta: Double = 0.5)
    /// The hyperbolic tangent.
    case tanh
    /// `x · σ(x)`, swish (Ramachandran et al., 2017).
    case silu
    /// `x · min(max(x/6 + 1/2, 0), 1)` (Howard et al., "Searching for MobileNetV3", 2019).
    case hardSwish
    /// `x/2 · (1 + erf(x / √2))` (Hendrycks and Gimpel, 2016).
    case gelu
    /// GELU by the hyperbolic tangent, `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`.
    case geluTanh
    /// `log(1 + exp(x))`.
    case softplus
    /// `x · tanh(log(1 + exp(x)))` (Misra, 2019).
    case mish
    /// The error function.
    case erf

    /// `min(max(x, 0), 6)`, as in MobileNet.
    public static let relu6 = Activation.clip(from: 0, to: 6)

    /// One of each, with parameters that are not the usual ones: what tests run over.
    public static let examples: [Activation] = [
        .relu, .clip(from: -0.5, to: 1.25), .leakyReLU(slope: 0.25), .elu(alpha: 0.75), .sigmoid,
        .hardSigmoid(alpha: 0.25, beta: 0.375), .tanh, .silu, .hardSwish, .gelu, .geluTanh,
        .softplus, .mish, .erf,
    ]

    /// The name in files, and in the native kernels' table.
    public var name: String {
        switch self {
        case .relu: "relu"
        case .clip: "clip"
        case .leakyReLU: "leakyReLU"
        case .elu: "elu"
        case .sigmoid: "sigmoid"
        case .hardSigmoid: "hardSigmoid"
        case .tanh: "tanh"
        case .silu: "silu"
        case .hardSwish: "hardSwish"
        case .gelu: "gelu"
        case .geluTanh: "geluTanh"
        case .softplus: "softplus"
        case .mish: "mish"
        case .erf: "erf"
        }
    }

    /// The parameters by name, in the order in which the kernels take them.
    public var parameters: [(name: String, value: Double)] {
        switch self {
        case .clip(let from, let to): [("from", from), ("to", to)]
        case .leakyReLU(let slope): [("slope", slope)]
        case .elu(let alpha): [("alpha", alpha)]
        case .hardSigmoid(let alpha, let beta): [("alpha", alpha), ("beta", beta)]
        default: []
        }
    }

    /// The same function with other parameters, as many as it has.
    package func with(_ values: [Double]) -> Activation {
        switch self {
        case .clip: .clip(from: values[0], to: values[1])
        case .leakyReLU: .leakyReLU(slope: values[0])
        case .elu: .elu(alpha: values[0])
        case .hardSigmoid: .hardSigmoid(alpha: values[0], beta: values[1])
        default: self
        }
    }

    /// The function. NaN stays NaN.
    public func value(_ x: Double) -> Double {
        switch self {
        case .relu: x <= 0 ? 0 : x
        case .clip(let from, let to): x < from ? from : x > to ? to : x
        case .leakyReLU(let slope): x > 0 ? x : slope * x
        case .elu(let alpha): x > 0 ? x : alpha * exponentialLessOne(x)
        case .sigmoid: 1 / (1 + exponential(-x))
        case .hardSigmoid(let alpha, let beta): Self.clip(from: 0, to: 1).value(alpha * x + beta)
        case .tanh: hyperbolicTangent(x)
        case .silu: x / (1 + exponential(-x))
        case .hardSwish: x * Self.hardSigmoid().value(x)
        case .gelu: x / 2 * (1 + errorFunction(x / 2.0.squareRoot()))
        case .geluTanh: x / 2 * (1 + hyperbolicTangent(Self.geluArgument(x)))
        case .softplus: (x > 0 ? x : 0) + logarithmOfOnePlus(exponential(-abs(x)))
        case .mish: x * hyperbolicTangent(Self.softplus.value(x))
        case .erf: errorFunction(x)
        }
    }

    /// Whether the gradient is computed from the output, rather than from the input: a training
    /// pass keeps that one alone.
    public var gradientTakesOutput: Bool {
        switch self {
        case .relu, .clip, .sigmoid, .hardSigmoid, .tanh: true
        default: false
        }
    }

    /// The gradient of the input.
    ///
    /// - Parameters:
    ///   - dy: the gradient of the output.
    ///   - v: the output where ``gradientTakesOutput``, else the input.
    public func gradient(_ dy: Double, _ v: Double) -> Double {
        let sigmoid = 1 / (1 + exponential(-v))
        switch self {
        case .relu: return v <= 0 ? 0 : dy
        case .clip(let from, let to): return v <= from || v >= to ? 0 : dy
        case .leakyReLU(let slope): return v > 0 ? dy : slope * dy
        case .elu(let alpha): return v > 0 ? dy : dy * alpha * exponential(v)
        case .sigmoid: return dy * v * (1 - v)
        case .hardSigmoid(let alpha, _): return v <= 0 || v >= 1 ? 0 : dy * alpha
        case .tanh: return dy * (1 - v * v)
        case .silu: return dy * sigmoid * (1 + v * (1 - sigmoid))
        case .hardSwish: return v <= -3 ? 0 : v >= 3 ? dy : dy * (v / 3 + 0.5)
        case .gelu:
            let density = exponential(-v * v / 2) / (2 * Double.pi).squareRoot()
            return dy * ((1 + errorFunction(v / 2.0.squareRoot())) / 2 + v * density)
        case .geluTanh:
            let t = hyperbolicTangent(Self.geluArgument(v))
            let slope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * v * v)
            return dy * ((1 + t) / 2 + v / 2 * (1 - t * t) * slope)
        case .softplus: return dy * sigmoid
        case .mish:
            let t = hyperbolicTangent(Self.softplus.value(v))
            return dy * (t + v * (1 - t * t) * sigmoid)
        case .erf: return dy * 2 / Double.pi.squareRoot() * exponential(-v * v)
        }
    }

    private static func geluArgument(_ x: Double) -> Double {
        (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    }

    /// What the function is in ONNX's operators of version 17.
    package var onnx: ActivationExpression {
        let x = ActivationExpression.x
        switch self {
        case .relu: return .apply("Relu", [x])
        case .clip(let from, let to): return .apply("Clip", [x, .constant(from), .constant(to)])
        case .leakyReLU(let slope): return .apply("LeakyRelu", [x], [("alpha", slope)])
        case .elu(let alpha): return .apply("Elu", [x], [("alpha", alpha)])
        case .sigmoid: return .apply("Sigmoid", [x])
        case .hardSigmoid(let alpha, let beta):
            return .apply("HardSigmoid", [x], [("alpha", alpha), ("beta", beta)])
        case .tanh: return .apply("Tanh", [x])
        case .silu: return .apply("Mul", [x, .apply("Sigmoid", [x])])
        case .hardSwish: return .apply("HardSwish", [x])
        case .gelu:
            let erf = ActivationExpression.apply(
                "Erf", [.apply("Mul", [x, .constant(0.5.squareRoot())])])
            return .apply(
                "Mul",
                [.apply("Mul", [x, .constant(0.5)]), .apply("Add", [erf, .constant(1)])])
        case .geluTanh:
            let cube = ActivationExpression.apply(
                "Mul", [.apply("Mul", [x, x]), .apply("Mul", [x, .constant(0.044715)])])
            let tanh = ActivationExpression.apply(
                "Tanh",
                [
                    .apply(
                        "Mul",
                        [.apply("Add", [x, cube]), .constant((2 / Double.pi).squareRoot())])
                ])
            return .apply(
                "Mul",
                [.apply("Mul", [x, .constant(0.5)]), .apply("Add", [tanh, .constant(1)])])
        case .softplus: return .apply("Softplus", [x])
        case .mish: return .apply("Mul", [x, .apply("Tanh", [.apply("Softplus", [x])])])
        case .erf: return .apply("Erf", [x])
        }
    }
}

/// Operators of ONNX, one in the other.
package indirect enum ActivationExpression: Sendable {
    /// What the function is applied to.
    case x
    /// A number.
    case constant(Double)
    /// An operator with its inputs and attributes.
    case apply(String, [ActivationExpression], [(name: String, value: Double)] = [])
}
