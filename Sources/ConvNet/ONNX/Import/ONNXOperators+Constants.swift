// SPDX-License-Identifier: MIT
//
// Operators that give constants, and comparisons, which are of constants most often.

extension ONNXOperators {
    /// Operators whose results are known when the model is loaded.
    static let constants: [String: Entry] = [
        "Constant": Entry(
            ["value", "value_float", "value_floats", "value_int", "value_ints"]
        ) { node, importer in
            let name = node.operation.outputs.first ?? ""
            if case .constant(let constant)? = node.operation.attributes["value"] {
                return [importer.weight(constant, named: name)]
            }
            if case .kept? = node.operation.attributes["value"], let tensor = importer.weights[name]
            {
                return [importer.weight(ONNXConstant(tensor), named: name)]
            }
            if node.has("value_int") {
                return [
                    .constant(
                        ONNXConstant(shape: [], integers: [try node.int("value_int", 0)]), name: "")
                ]
            }
            if let numbers = try node.ints("value_ints") {
                return [
                    .constant(ONNXConstant(shape: [numbers.count], integers: numbers), name: "")
                ]
            }
            if node.has("value_float") {
                return [try importer.number(node.float("value_float", 0))]
            }
            if let numbers = try node.floats("value_floats") {
                return [
                    .constant(try ONNXArithmetic.floats([numbers.count], numbers), name: "")
                ]
            }
            throw ONNXRefusal("value", "of another type", expected: "numbers")
        },
        "ConstantOfShape": Entry(["value"]) { node, importer in
            let shape = try wholeNumbers(node, &importer, 0, "shape")
            try checkExtents(shape, "shape")
            try ONNXArithmetic.checkSize(shape)
            var value = try ONNXArithmetic.floats([1], [0])
            if case .constant(let given)? = node.operation.attributes["value"] { value = given }
            guard value.count == 1 else {
                throw ONNXRefusal("value", "\(value.count) numbers", expected: "one")
            }
            let count = shape.reduce(1, *)
            guard let tensor = value.tensor, count > 0 else {
                try ONNXArithmetic.check(shape)
                return [
                    .constant(
                        try ONNXArithmetic.taken(
                            value, [Int](repeating: 0, count: count), shape: shape), name: "")
                ]
            }
            // Few bytes of a file may ask for much memory.
            try importer.reserve(count)
            let filled = try Tensor(shape: shape, repeating: tensor.number(at: 0))
            let name = node.operation.outputs.first ?? ""
            // Small ones are masks most often, which more is computed from.
            return [
                count <= ONNXArithmetic.mostNumbers
                    ? importer.current(ONNXConstant(filled), named: name)
                    : importer.weight(ONNXConstant(filled), named: name)
            ]
        },
        "Shape": Entry(["start", "end"]) { node, importer in
            let shape = try importer.shape(of: node.input(0))
            func place(_ index: Int) -> Int {
                let index =
                    index < 0 ? index.addingReportingOverflow(shape.count).partialValue : index
                return min(max(index, 0), shape.count)
            }
            let start = place(try node.int("start", 0))
            let end = place(try node.int("end", shape.count))
            let part = start < end ? Array(shape[start..<end]) : []
            return [.constant(ONNXConstant(shape: [part.count], integers: part), name: "")]
        },
        "Size": Entry { node, importer in
            let count = try importer.shape(of: node.input(0)).reduce(1, *)
            return [.constant(ONNXConstant(shape: [], integers: [count]), name: "")]
        },
        "Range": Entry { node, importer in
            let inputs = try node.allInputs().map { try importer.constant($0, "limit") }
            guard let range = try ONNXArithmetic.evaluate(node, inputs) else {
                throw ONNXRefusal("inputs", "\(inputs.count)", expected: "3")
            }
            return [.constant(range, name: "")]
        },
        "Cast": Entry(["to", "saturate", "round_mode"], cast),
        "CastLike": Entry(["saturate", "round_mode"]) { node, importer in
            [
                try importer.cast(
                    node.input(0), to: importer.type(of: node.input(1)))
            ]
        },
    ]

    private static func cast(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        // The first version has the type's name.
        let number: Int
        if case .text(let text)? = node.operation.attributes["to"] {
            let types = (1...16).compactMap(ONNXType.init)
            number = types.first { $0.name == text }?.rawValue ?? 0
        } else {
            number = try node.int("to", 0)
        }
        guard let type = ONNXType(rawValue: number), type.isInteger || type.isFloatingPoint else {
            throw ONNXRefusal("to", ONNXType.name(number), expected: "FLOAT or whole numbers")
        }
        return [try importer.cast(node.input(0), to: type)]
    }

    /// Comparisons and what goes with them.
    static let comparisons: [String: Entry] = [
        "Equal": comparison(.equal), "Less": comparison(.less), "Greater": comparison(.greater),
        "LessOrEqual": comparison(.lessOrEqual), "GreaterOrEqual": comparison(.greaterOrEqual),
        "And": comparison(.and), "Or": comparison(.or), "Xor": comparison(.xor),
        "Not": Entry { node, importer in
            let x = try node.input(0)
            return [.running(try importer.emit(Pointwise(.isZero), importer.running(x)), .bool)]
        },
        "Where": Entry { node, importer in
            let values = try [1, 2, 0].map { try importer.running(node.input($0)) }
            let type = importer.type(of: try node.input(1))
            return [.running(try importer.emit(Selection(.byTruth), values), type)]
        },
    ]

    private static func comparison(_ rule: Selection.Rule) -> Entry {
        Entry(["broadcast", "axis"]) { node, importer in
            let values = try node.allInputs().map { try importer.running($0) }
            return [.running(try importer.emit(Selection(rule), values), .bool)]
        }
    }
}

extension ONNXImporter {
    /// A value of another type.
    mutating func cast(_ value: Value, to type: ONNXType) throws -> Value {
        let from = self.type(of: value)
        if case .constant(let constant, _) = value, from != type {
            return .constant(try constant.cast(to: type), name: "")
        }
        // Numbers are computed as float32, also where a model asks for more digits. Fewer digits
        // would be other numbers.
        guard type != .float16, type != .bfloat16 else {
            throw ONNXRefusal("to", type.name, expected: "FLOAT, DOUBLE or whole numbers")
        }
        guard from != type else { return value }
        let x = try running(value)
        if type == .bool {
            return .running(try emit(Pointwise(.isNonzero), x), type)
        }
        if type.isInteger, from.isFloatingPoint {
            return .running(try emit(Pointwise(.truncate), x), type)
        }
        return .running(x, type)
    }
}

extension ONNXConstant {
    /// The numbers in another type.
    func cast(to type: ONNXType) throws -> ONNXConstant {
        if type.isFloatingPoint {
            let numbers =
                switch type {
                case .float16: doubles.map { $0.rounded(10, -14) }
                case .bfloat16: doubles.map { $0.rounded(7, -126) }
                default: doubles
                }
            return try ONNXArithmetic.floats(shape, numbers)
        }
        if case .integers(let integers) = numbers {
            return ONNXConstant(
                shape: shape, type: type,
                integers: type == .bool ? integers.map { $0 == 0 ? 0 : 1 } : integers)
        }
        let integers = try doubles.map { number in
            if type == .bool { return number == 0 ? 0 : 1 }
            guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                throw ONNXRefusal("", "\(number)", expected: "a number that \(type.name) holds")
            }
            return whole
        }
        return ONNXConstant(shape: shape, type: type, integers: integers)
    }
}

extension Double {
    /// The nearest number of so many binary digits behind the first, infinity where there is none.
    ///
    /// - Parameter smallest: the exponent of the smallest number that is not subnormal.
    fileprivate func rounded(_ digits: Int, _ smallest: Int) -> Double {
        guard isFinite, self != 0 else { return self }
        let unit = Double(
            sign: .plus, exponent: Swift.max(Int(exponent), smallest) - digits, significand: 1)
        let nearest = (self / unit).rounded(.toNearestOrEven) * unit
        return abs(nearest) < Double(sign: .plus, exponent: 1 - smallest + 1, significand: 1)
            ? nearest : self < 0 ? -.infinity : .infinity
    }
}
