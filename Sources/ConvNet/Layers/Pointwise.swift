// SPDX-License-Identifier: MIT
//
// Functions of single numbers that are rare in networks, and computed in `Double`: those of which
// there are kernels are activations.

/// A function of each number that is no ``Activation``.
struct Pointwise: UnaryLayer {
    /// The function.
    enum Function: String, CaseIterable {
        case squareRoot, exponential, logarithm, absolute, reciprocal, floor, ceiling, round, sign
        case softsign, truncate
        case sine, cosine, tangent, arcSine, arcCosine, arcTangent
        case hyperbolicSine, hyperbolicCosine, areaSine, areaCosine, areaTangent
        /// 1 for NaN.
        case isNaN
        /// 1 for infinities: the negative one where `a` is not 0, the positive one where `b` is
        /// not.
        case isInfinite
        /// `x < −a ? x + b : x > a ? x − b : 0`
        case shrink
        /// 1 for other numbers than 0.
        case isNonzero
        /// 1 for 0.
        case isZero
        /// `gamma · (x > 0 ? x : alpha · (exp(x) − 1))`; `a` is alpha, `b` gamma.
        case selu
        /// `max(0, x) + min(0, alpha · (exp(x / alpha) − 1))`; `a` is alpha.
        case celu
        /// `x > alpha ? x : 0`; `a` is alpha.
        case thresholdedReLU
        /// `x · σ(alpha · x)`; `a` is alpha.
        case swish
    }

    let function: Function
    let a: Double
    let b: Double

    init(_ function: Function, a: Double = 1, b: Double = 1) {
        (self.function, self.a, self.b) = (function, a, b)
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try x.mapped(on: kernels) { value($0) }
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try predict(x, on: pass.kernels)) {
            [self, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try outputGradient * x.mapped(on: kernels) { derivative($0) })
        }
    }

    /// The function.
    func value(_ x: Double) -> Double {
        switch function {
        case .squareRoot: x.squareRoot()
        case .exponential: exponential(x)
        case .logarithm: logarithm(x)
        case .absolute: abs(x)
        case .reciprocal: 1 / x
        case .floor: x.rounded(.down)
        case .ceiling: x.rounded(.up)
        case .round: x.rounded(.toNearestOrEven)
        case .truncate: x.rounded(.towardZero)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .softsign: x / (1 + abs(x))
        case .isNonzero: x != 0 ? 1 : 0
        case .isZero: x == 0 ? 1 : 0
        case .selu: b * (x > 0 ? x : a * exponentialLessOne(x))
        case .celu: x > 0 ? x : a * exponentialLessOne(x / a)
        case .thresholdedReLU: x > a || x.isNaN ? x : 0
        case .swish: x / (1 + exponential(-a * x))
        case .sine: sine(x)
        case .cosine: cosine(x)
        case .tangent: tangent(x)
        case .arcSine: arcSine(x)
        case .arcCosine: arcCosine(x)
        case .arcTangent: arcTangent(x)
        case .hyperbolicSine: hyperbolicSine(x)
        case .hyperbolicCosine: hyperbolicCosine(x)
        case .areaSine: areaSine(x)
        case .areaCosine: areaCosine(x)
        case .areaTangent: areaTangent(x)
        case .isNaN: x.isNaN ? 1 : 0
        case .isInfinite: x.isInfinite && (x < 0 ? a : b) != 0 ? 1 : 0
        case .shrink: x < -a ? x + b : x > a ? x - b : x.isNaN ? x : 0
        }
    }

    /// The derivative; 0 where the function is made of steps.
    func derivative(_ x: Double) -> Double {
        switch function {
        case .squareRoot: return 0.5 / x.squareRoot()
        case .exponential: return exponential(x)
        case .logarithm: return 1 / x
        case .absolute: return x > 0 ? 1 : x < 0 ? -1 : 0
        case .reciprocal: return -1 / (x * x)
        case .softsign: return 1 / ((1 + abs(x)) * (1 + abs(x)))
        case .selu: return b * (x > 0 ? 1 : a * exponential(x))
        case .celu: return x > 0 ? 1 : exponential(x / a)
        case .thresholdedReLU: return x > a ? 1 : 0
        case .swish:
            let sigmoid = 1 / (1 + exponential(-a * x))
            return sigmoid * (1 + a * x * (1 - sigmoid))
        case .sine: return cosine(x)
        case .cosine: return -sine(x)
        case .tangent:
            let side = cosine(x)
            return 1 / (side * side)
        case .arcSine: return 1 / (1 - x * x).squareRoot()
        case .arcCosine: return -1 / (1 - x * x).squareRoot()
        case .arcTangent: return 1 / (1 + x * x)
        case .hyperbolicSine: return hyperbolicCosine(x)
        case .hyperbolicCosine: return hyperbolicSine(x)
        case .areaSine: return 1 / (x * x + 1).squareRoot()
        case .areaCosine: return 1 / (x * x - 1).squareRoot()
        case .areaTangent: return 1 / (1 - x * x)
        case .shrink: return abs(x) > a ? 1 : 0
        default: return 0
        }
    }
}

extension Pointwise: DescribedLayer {
    static let typeName = "Pointwise"

    var layerSettings: LayerSettings {
        ["function": .text(function.rawValue), "a": .number(a), "b": .number(b)]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["function", "a", "b"])
        try tensors.require(only: [])
        try self.init(
            settings.choice("function"), a: settings.number("a"), b: settings.number("b"))
    }
}

extension Pointwise: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let x = graph.inputs[0]
        switch function {
        case .squareRoot: graph.add("Sqrt")
        case .exponential: graph.add("Exp")
        case .logarithm: graph.add("Log")
        case .absolute: graph.add("Abs")
        case .reciprocal: graph.add("Reciprocal")
        case .floor: graph.add("Floor")
        case .ceiling: graph.add("Ceil")
        case .round: graph.add("Round")
        case .sign: graph.add("Sign")
        case .softsign: graph.add("Softsign")
        case .sine: graph.add("Sin")
        case .cosine: graph.add("Cos")
        case .tangent: graph.add("Tan")
        case .arcSine: graph.add("Asin")
        case .arcCosine: graph.add("Acos")
        case .arcTangent: graph.add("Atan")
        case .hyperbolicSine: graph.add("Sinh")
        case .hyperbolicCosine: graph.add("Cosh")
        case .areaSine: graph.add("Asinh")
        case .areaCosine: graph.add("Acosh")
        case .areaTangent: graph.add("Atanh")
        case .shrink: graph.add("Shrink", [], [("lambd", .float(a)), ("bias", .float(b))])
        case .isNaN:
            graph.add("IsNaN", step: "truth")
            graph.add("Cast", [], [("to", .int(ONNXType.float.rawValue))])
        case .isInfinite:
            graph.add(
                "IsInf", step: "truth",
                [
                    ("detect_negative", .int(a != 0 ? 1 : 0)),
                    ("detect_positive", .int(b != 0 ? 1 : 0)),
                ])
            graph.add("Cast", [], [("to", .int(ONNXType.float.rawValue))])
        case .truncate:
            graph.add("Abs", step: "size")
            graph.add("Floor", step: "whole")
            let whole = graph.value
            graph.add("Sign", on: x, step: "sign")
            graph.add("Mul", [whole])
        case .isNonzero, .isZero:
            graph.add("Cast", step: "truth", [("to", .int(ONNXType.bool.rawValue))])
            if function == .isZero { graph.add("Not", step: "not") }
            graph.add("Cast", [], [("to", .int(ONNXType.float.rawValue))])
        case .selu: graph.add("Selu", [], [("alpha", .float(a)), ("gamma", .float(b))])
        case .celu: graph.add("Celu", [], [("alpha", .float(a))])
        case .thresholdedReLU: graph.add("ThresholdedRelu", [], [("alpha", .float(a))])
        case .swish:
            let factor = try graph.addConstant("alpha", Tensor(shape: [], repeating: a))
            graph.add("Mul", [factor], step: "scaled")
            graph.add("Sigmoid", step: "gate")
            graph.add("Mul", [x])
        }
    }
}
