// SPDX-License-Identifier: MIT
//
// Arithmetic on constants when a model is loaded: the sub-graphs that compute shapes are gone then.
// Everything saturates or is refused; nothing traps.

import ConvNetSupport

/// Operators on constants.
enum ONNXArithmetic {
    /// The most numbers of a result: shapes are short.
    static let mostNumbers = 1 << 20

    /// The result of an operator whose inputs are all known; nil where it is none of these.
    ///
    /// - Throws: a refusal where the operator can't be applied to them.
    static func evaluate(_ node: ONNXNodeView, _ inputs: [ONNXConstant]) throws -> ONNXConstant? {
        if let function = binaryFunctions[node.operation.type], inputs.count == 2 {
            return try binary(function, node.operation.type, inputs[0], inputs[1])
        }
        if let function = unaryFunctions[node.operation.type], inputs.count == 1 {
            return try unary(function, node.operation.type, inputs[0])
        }
        switch node.operation.type {
        case "Max", "Min":
            let function = node.operation.type
            return try inputs.dropFirst().reduce(inputs.first) { result, next in
                guard let result else { return nil }
                return try binary(
                    (
                        { function == "Max" ? max($0, $1) : min($0, $1) },
                        { function == "Max" ? max($0, $1) : min($0, $1) }
                    ), function, result, next)
            }
        case "Where":
            guard inputs.count == 3 else { return nil }
            return try select(inputs[0], inputs[1], inputs[2])
        case "Not":
            guard inputs.count == 1, let numbers = inputs[0].integers else { return nil }
            return ONNXConstant(
                shape: inputs[0].shape, type: .bool, integers: numbers.map { $0 == 0 ? 1 : 0 })
        case "Size":
            return ONNXConstant(shape: [], integers: [inputs[0].count])
        case "ScatterND":
            guard inputs.count == 3, try node.text("reduction", "none") == "none" else {
                return nil
            }
            return try scattered(inputs[0], inputs[1], inputs[2])
        case "Range":
            guard inputs.count == 3 else { return nil }
            return try range(inputs)
        case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin":
            // Of shapes alone, over all of it.
            guard let numbers = inputs[0].integers, inputs[0].shape.count == 1, !numbers.isEmpty
            else { return nil }
            let keeps = try node.flag("keepdims", true)
            let start = numbers[0]
            let result =
                switch node.operation.type {
                case "ReduceProd": numbers.dropFirst().reduce(start, saturatingProduct)
                case "ReduceSum": numbers.dropFirst().reduce(start, saturatingSum)
                case "ReduceMax": numbers.dropFirst().reduce(start, max)
                default: numbers.dropFirst().reduce(start, min)
                }
            return ONNXConstant(
                shape: keeps ? [1] : [], type: inputs[0].type, integers: [result])
        default: return nil
        }
    }

    typealias Binary = (
        whole: @Sendable (Int, Int) -> Int?, real: @Sendable (Double, Double) -> Double
    )

    private static let binaryFunctions: [String: Binary] = [
        "Add": (saturatingSum, { $0 + $1 }),
        "Sub": ({ $0.subtractingReportingOverflow($1).overflow ? nil : $0 - $1 }, { $0 - $1 }),
        "Mul": (saturatingProduct, { $0 * $1 }),
        // Rounded towards 0, as C does.
        "Div": ({ $1 == 0 || $0 == .min ? nil : $0 / $1 }, { $0 / $1 }),
        "Mod": (
            { a, b in
                guard b != 0, a != .min else { return nil }
                let rest = a % b
                return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
            },
            { $0 - $1 * ($0 / $1).rounded(.down) }
        ),
        "Pow": (
            { base, exponent in Int(exactly: power(Double(base), Double(exponent)).rounded()) },
            { power($0, $1) }
        ),
        "Equal": ({ $0 == $1 ? 1 : 0 }, { $0 == $1 ? 1 : 0 }),
        "Less": ({ $0 < $1 ? 1 : 0 }, { $0 < $1 ? 1 : 0 }),
        "LessOrEqual": ({ $0 <= $1 ? 1 : 0 }, { $0 <= $1 ? 1 : 0 }),
        "Greater": ({ $0 > $1 ? 1 : 0 }, { $0 > $1 ? 1 : 0 }),
        "GreaterOrEqual": ({ $0 >= $1 ? 1 : 0 }, { $0 >= $1 ? 1 : 0 }),
        "And": ({ $0 != 0 && $1 != 0 ? 1 : 0 }, { $0 * $1 }),
        "Or": ({ $0 != 0 || $1 != 0 ? 1 : 0 }, { $0 + $1 }),
    ]

    private static let truthFunctions: Set<String> = [
        "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or",
    ]

    private static let unaryFunctions: [String: @Sendable (Double) -> Double] = [
        "Abs": { abs($0) }, "Neg": { -$0 }, "Floor": { $0.rounded(.down) },
        "Ceil": { $0.rounded(.up) }, "Round": { $0.rounded(.toNearestOrEven) },
        "Sqrt": { $0.squareRoot() }, "Reciprocal": { 1 / $0 }, "Exp": exponential,
        "Log": logarithm, "Sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 },
    ]

    @Sendable private static func saturatingSum(_ a: Int, _ b: Int) -> Int {
        let sum = a.addingReportingOverflow(b)
        return sum.overflow ? (a < 0 ? .min : .max) : sum.partialValue
    }

    @Sendable private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
        let product = a.multipliedReportingOverflow(by: b)
        return product.overflow ? ((a < 0) == (b < 0) ? .max : .min) : product.partialValue
    }

    private static func binary(
        _ function: Binary, _ name: String, _ a: ONNXConstant, _ b: ONNXConstant
    ) throws -> ONNXConstant {
        let shape = try broadcast(a.shape, b.shape)
        try check(shape)
        let (left, right) = (places(a.shape, in: shape), places(b.shape, in: shape))
        let type = truthFunctions.contains(name) ? .bool : a.type
        if let x = a.integers, let y = b.integers {
            let numbers = try zip(left, right).map { i, j in
                guard let value = function.whole(x[i], y[j]) else {
                    throw ONNXRefusal("", "\(name) of \(x[i]) and \(y[j])", expected: "a number")
                }
                return value
            }
            return ONNXConstant(shape: shape, type: type, integers: numbers)
        }
        let (x, y) = (a.doubles, b.doubles)
        let numbers = zip(left, right).map { function.real(x[$0], y[$1]) }
        guard type != .bool else {
            return ONNXConstant(
                shape: shape, type: .bool, integers: numbers.map { $0 == 0 ? 0 : 1 })
        }
        return try floats(shape, numbers)
    }

    private static func unary(
        _ function: (Double) -> Double, _ name: String, _ x: ONNXConstant
    ) throws -> ONNXConstant? {
        if let numbers = x.integers {
            guard ["Abs", "Neg", "Sign"].contains(name) else { return nil }
            return ONNXConstant(
                shape: x.shape, type: x.type,
                integers: numbers.map {
                    name == "Sign"
                        ? $0.signum() : name == "Neg" ? 0 &- $0 : Int(clamping: $0.magnitude)
                })
        }
        return try floats(x.shape, x.doubles.map(function))
    }

    private static func select(
        _ condition: ONNXConstant, _ a: ONNXConstant, _ b: ONNXConstant
    ) throws -> ONNXConstant? {
        guard let truths = condition.integers, a.type == b.type else { return nil }
        let shape = try broadcast(broadcast(condition.shape, a.shape), b.shape)
        try check(shape)
        let places = zip(
            places(condition.shape, in: shape),
            zip(places(a.shape, in: shape), places(b.shape, in: shape)))
        if let x = a.integers, let y = b.integers {
            return ONNXConstant(
                shape: shape, type: a.type,
                integers: places.map { truths[$0] != 0 ? x[$1.0] : y[$1.1] })
        }
        let (x, y) = (a.doubles, b.doubles)
        return try floats(shape, places.map { truths[$0] != 0 ? x[$1.0] : y[$1.1] })
    }

    /// A constant with some of its parts replaced, whose places the last axis of the indices says.
    private static func scattered(
        _ data: ONNXConstant, _ indices: ONNXConstant, _ updates: ONNXConstant
    ) throws -> ONNXConstant? {
        guard let places = indices.integers, let depth = indices.shape.last,
            (1...max(data.shape.count, 1)).contains(depth), depth <= data.shape.count
        else { return nil }
        let part = Array(data.shape[depth...])
        let size = part.reduce(1, *)
        guard updates.shape == indices.shape.dropLast() + part else {
            throw ONNXRefusal(
                "updates", "\(updates.shape)", expected: "\(indices.shape.dropLast() + part)")
        }
        // For each number of the result that of the data, or one of the updates behind it.
        var sources = Array(0..<data.count)
        for row in 0..<places.count / depth {
            var place = 0
            for axis in 0..<depth {
                let index = places[row * depth + axis]
                let extent = data.shape[axis]
                guard (-extent..<extent).contains(index) else {
                    throw ONNXRefusal("indices", "\(index)", expected: "one inside \(extent)")
                }
                place = place * extent + (index < 0 ? index + extent : index)
            }
            for offset in 0..<size {
                sources[place * size + offset] = data.count + row * size + offset
            }
        }
        if let old = data.integers, let new = updates.integers {
            let all = old + new
            return ONNXConstant(
                shape: data.shape, type: data.type, integers: sources.map { all[$0] })
        }
        let all = data.doubles + updates.doubles
        return try floats(data.shape, sources.map { all[$0] })
    }

    private static func range(_ inputs: [ONNXConstant]) throws -> ONNXConstant {
        let numbers = inputs.map(\.doubles)
        guard numbers.allSatisfy({ $0.count == 1 }) else {
            throw ONNXRefusal("inputs", "\(inputs.map(\.shape))", expected: "single numbers")
        }
        let (start, limit, delta) = (numbers[0][0], numbers[1][0], numbers[2][0])
        let count = max(((limit - start) / delta).rounded(.up), 0)
        guard delta != 0, count <= Double(mostNumbers) else {
            throw ONNXRefusal(
                "delta", "\(delta)", expected: "at most \(mostNumbers) numbers in the range")
        }
        let values = (0..<Int(count)).map { start + Double($0) * delta }
        if inputs[0].integers != nil {
            return ONNXConstant(
                shape: [values.count], type: inputs[0].type,
                integers: values.map { Int(exactly: $0) ?? 0 })
        }
        return try floats([values.count], values)
    }

    /// The numbers of a constant at other places: `places[i]` is where number i of the
    /// result stands.
    static func taken(_ constant: ONNXConstant, _ places: [Int], shape: [Int]) throws
        -> ONNXConstant
    {
        switch constant.numbers {
        case .integers(let numbers):
            return ONNXConstant(
                shape: shape, type: constant.type, integers: places.map { numbers[$0] })
        case .floats(let tensor):
            guard !shape.contains(0) else { return ONNXConstant(emptyOfShape: shape) }
            let numbers = tensor.scalars
            return ONNXConstant(try Tensor(shape: shape, scalars: places.map { numbers[$0] }))
        case .none: return ONNXConstant(emptyOfShape: shape)
        }
    }

    /// Numbers as `float32`.
    static func floats(_ shape: [Int], _ numbers: [Double]) throws -> ONNXConstant {
        guard !shape.contains(0) else { return ONNXConstant(emptyOfShape: shape) }
        return ONNXConstant(try Tensor(shape: shape, scalars: numbers.map { Float($0) }))
    }

    /// The shape that two broadcast to, empty axes included.
    static func broadcast(_ a: [Int], _ b: [Int]) throws -> [Int] {
        let rank = max(a.count, b.count)
        let shape = try zip(Shape.aligned(a, to: rank), Shape.aligned(b, to: rank)).map {
            guard $0 == $1 || $0 == 1 || $1 == 1 else {
                throw ONNXRefusal("shape", "\(a) with \(b)", expected: "shapes that broadcast")
            }
            return $0 == 1 ? $1 : $0
        }
        try checkSize(shape)
        return shape
    }

    /// Whether a result may be known beforehand.
    static func isShort(_ shape: [Int]) -> Bool { (try? check(shape)) != nil }

    /// Fails where a result would be too long.
    static func check(_ shape: [Int]) throws {
        // The other extents of an empty shape are multiplied as well.
        let count = shape.reduce(1) { saturatingProduct($0, max($1, 1)) }
        guard count <= mostNumbers else {
            throw ONNXRefusal(
                "shape", "\(shape)", expected: "at most \(mostNumbers) numbers known beforehand")
        }
    }

    /// For each place of a shape that of the number which broadcasts there.
    static func places(_ shape: [Int], in whole: [Int]) -> [Int] {
        let strides = Shape.strides(Shape.aligned(shape, to: whole.count))
        return places(whole, strides: strides, offset: 0)
    }

    /// The places that a strided view sees, in order.
    static func places(_ shape: [Int], strides: [Int], offset: Int) -> [Int] {
        var places = [offset]
        for (extent, stride) in zip(shape, strides) {
            places = places.flatMap { place in (0..<extent).map { place + $0 * stride } }
        }
        return shape.contains(0) ? [] : places
    }
}
