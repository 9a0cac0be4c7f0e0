// SPDX-License-Identifier: MIT
//
// Operators whose indices may be computed when the network runs, and masks.

extension ONNXOperators {
    /// Numbers taken from and put at places that indices name, and sums along an axis.
    static let indexing: [String: Entry] = [
        "GatherElements": Entry(["axis"]) { node, importer in
            let x = try node.input(0)
            let axis = try ONNXNodeView.axis(
                node.int("axis", 0), rank: importer.shape(of: x).count)
            let layer = try Gathering(.numbers, axis: axis)
            return [try importer.gathered(layer, x, node.input(1))]
        },
        "GatherND": Entry(["batch_dims"]) { node, importer in
            let batches = try node.int("batch_dims", 0)
            let layer = try Gathering(.nested, axis: batches)
            return [try importer.gathered(layer, node.input(0), node.input(1))]
        },
        "ScatterElements": scattering(.numbers), "Scatter": scattering(.numbers),
        "ScatterND": scattering(.nested),
        "CumSum": Entry(["exclusive", "reverse"]) { node, importer in
            let x = try node.input(0)
            let axes = try wholeNumbers(node, &importer, 1, "axis")
            guard axes.count == 1 else {
                throw ONNXRefusal("axis", "\(axes)", expected: "one")
            }
            let layer = try CumulativeSum(
                axis: ONNXNodeView.axis(axes[0], rank: importer.shape(of: x).count),
                isExclusive: node.flag("exclusive"), isReversed: node.flag("reverse"))
            return [
                .running(try importer.emit(layer, importer.running(x)), importer.type(of: x))
            ]
        },
        "OneHot": Entry(["axis"], oneHot),
        "Hardmax": Entry(["axis"], hardmax),
        "Trilu": Entry(["upper"], triangle),
        "Compress": Entry(["axis"]) { node, importer in
            var x = try node.input(0)
            guard let truths = try importer.constant(node.input(1), "condition").integers else {
                throw ONNXRefusal("condition", "of another type", expected: "BOOL")
            }
            if !node.has("axis") {
                let count = try importer.shape(of: x).reduce(1, *)
                x = try importer.reshape(x, to: [count], isLast: false)
            }
            let shape = try importer.shape(of: x)
            let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: shape.count)
            try checkIndices(shape[axis])
            let indices = truths.indices.filter { truths[$0] != 0 && $0 < shape[axis] }
            return [try importer.selected(x, axis, indices)]
        },
        "EyeLike": Entry(["dtype", "k"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            guard shape.count == 2 else {
                throw ONNXRefusal("input", "\(shape)", expected: "a matrix")
            }
            try ONNXArithmetic.check(shape)
            let number = try node.int("dtype", importer.type(of: x).rawValue)
            guard let type = ONNXType(rawValue: number), type == .float || type.isInteger else {
                throw ONNXRefusal(
                    "dtype", ONNXType.name(number), expected: "FLOAT or whole numbers")
            }
            let diagonal = min(
                max(try node.int("k", 0), -Shape.largestExtent), Shape.largestExtent)
            let ones = (0..<shape[0]).flatMap { row in
                (0..<shape[1]).map { $0 - row == diagonal ? 1 : 0 }
            }
            let eye = ONNXConstant(shape: shape, type: .int64, integers: ones)
            return [.constant(try eye.cast(to: type), name: "")]
        },
        "NonZero": Entry { node, importer in
            // How many there are is a shape, which has to be known.
            let x = try importer.constant(node.input(0), "X")
            try ONNXArithmetic.check(x.shape)
            let strides = Shape.strides(x.shape)
            let places = x.doubles.enumerated().filter { $0.element != 0 }.map(\.offset)
            let indices = zip(x.shape, strides).flatMap { extent, stride in
                places.map { $0 / stride % extent }
            }
            return [
                .constant(
                    ONNXConstant(shape: [x.shape.count, places.count], integers: indices), name: "")
            ]
        },
        "GridSample": Entry(["mode", "padding_mode", "align_corners"], gridSample),
        "MaxUnpool": Entry(["kernel_shape", "strides", "pads"], maxUnpooling),
    ]

    private static func scattering(_ rule: Gathering.Rule) -> Entry {
        Entry(["axis", "reduction"]) { node, importer in
            let data = try node.input(0)
            var axis = 0
            if rule == .numbers {
                axis = try ONNXNodeView.axis(
                    node.int("axis", 0), rank: importer.shape(of: data).count)
            }
            let reduction = try node.text("reduction", "none")
            guard ["none", "add"].contains(reduction) else {
                throw ONNXRefusal("reduction", reduction, expected: "none or add")
            }
            let layer = try Scattering(
                rule, axis: axis, mode: reduction == "add" ? .add : .replace)
            let values = try [0, 1, 2].map { try importer.running(node.input($0)) }
            return [.running(try importer.emit(layer, values), importer.type(of: data))]
        }
    }

    private static func oneHot(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let depths = try importer.constant(node.input(1), "depth").doubles
        guard depths.count == 1, (1...Double(1 << 20)).contains(depths[0]),
            let depth = Int(exactly: depths[0])
        else {
            throw ONNXRefusal("depth", "\(depths)", expected: "a number from 1 to \(1 << 20)")
        }
        let values = try node.input(2)
        let (off, on) = (
            try importer.selected(values, 0, [0], isLast: false),
            try importer.selected(values, 0, [1], isLast: false)
        )
        let axis = try ONNXNodeView.axis(node.int("axis", -1), rank: shape.count + 1)
        // An index below 0 counts from the end.
        let extent = ONNXImporter.Value.constant(
            ONNXConstant(shape: [], integers: [depth]), name: "")
        let index = try importer.running(
            importer.reshape(x, to: shape[..<axis] + [1] + shape[axis...], isLast: false))
        let whole = try importer.emit(
            Selection(.modulus), index, importer.running(extent), isLast: false)
        let isInside = try importer.inside(index, depth)
        var row = shape.map { _ in 1 } + [1]
        row[axis] = depth
        let numbers = ONNXImporter.Value.constant(
            ONNXConstant(shape: row, integers: Array(0..<depth)), name: "")
        let isOn = try importer.emit(
            Selection(.equal), whole, importer.running(numbers), isLast: false)
        let truth = try importer.emit(Selection(.and), isOn, isInside, isLast: false)
        let choices = [try importer.running(on), try importer.running(off), truth]
        return [
            .running(try importer.emit(Selection(.byTruth), choices), importer.type(of: values))
        ]
    }

    /// 1 at the first of the largest numbers.
    private static func hardmax(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let isOld = node.version < 13
        var axis = try ONNXNodeView.axis(node.int("axis", isOld ? 1 : -1), rank: shape.count)
        // Before version 13 the axes from the given one on are taken as one.
        var value = x
        if isOld {
            let rows = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
            (value, axis) = (try importer.reshape(x, to: rows, isLast: false), 1)
        }
        let own = try importer.shape(of: value)
        let place = try importer.emit(
            Ranking(axis: axis, count: 1, isDescending: true, givesIndices: true),
            importer.running(value), isLast: false)
        var row = own.map { _ in 1 }
        row[axis] = own[axis]
        let numbers = ONNXImporter.Value.constant(
            ONNXConstant(shape: row, integers: Array(0..<own[axis])), name: "")
        let isLargest = ONNXImporter.Value.running(
            try importer.emit(
                Selection(.equal), place, importer.running(numbers), isLast: !isOld), .float)
        return [try importer.reshape(isLargest, to: shape)]
    }

    /// The upper or the lower triangle of matrices, and 0 besides.
    private static func triangle(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        guard shape.count >= 2 else {
            throw ONNXRefusal("input", "\(shape)", expected: "matrices")
        }
        let isUpper = try node.flag("upper", true)
        var diagonal = 0
        if node.optional(1) != nil {
            let numbers = try wholeNumbers(node, &importer, 1, "k")
            guard numbers.count == 1 else {
                throw ONNXRefusal("k", "\(numbers)", expected: "one number")
            }
            diagonal = min(max(numbers[0], -Shape.largestExtent), Shape.largestExtent)
        }
        let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
        func numbers(_ shape: [Int], _ first: Int) throws -> Graph.Value {
            let numbers = (0..<shape.reduce(1, *)).map { $0 + first }
            return try importer.running(
                .constant(ONNXConstant(shape: shape, integers: numbers), name: ""))
        }
        // Columns against rows, so that no mask is as large as the matrices.
        let (row, column) = (try numbers([rows, 1], diagonal), try numbers([1, columns], 0))
        let mask = try importer.emit(
            Selection(isUpper ? .greaterOrEqual : .lessOrEqual), column, row, isLast: false)
        let choices = [try importer.running(x), try importer.running(importer.number(0)), mask]
        return [.running(try importer.emit(Selection(.byTruth), choices), importer.type(of: x))]
    }

    private static func gridSample(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let modes: [String: GridSampling.Mode] = [
            "bilinear": .linear, "linear": .linear, "nearest": .nearest, "bicubic": .cubic,
            "cubic": .cubic,
        ]
        let name = try node.text("mode", "linear")
        guard let mode = modes[name] else {
            throw ONNXRefusal("mode", name, expected: "linear, nearest or cubic")
        }
        let edge = try node.text("padding_mode", "zeros")
        guard let border = GridSampling.Border(rawValue: edge) else {
            throw ONNXRefusal("padding_mode", edge, expected: "zeros, border or reflection")
        }
        let layer = GridSampling(
            mode: mode, border: border, alignsCorners: try node.flag("align_corners"))
        let values = try [0, 1].map { try importer.running(node.input($0)) }
        return [.running(try importer.emit(layer, values), .float)]
    }

    /// Maxima put back where a max pooling found them.
    private static func maxUnpooling(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let axes = shape.count - 2
        func numbers(_ name: String, _ count: Int, _ standard: Int) throws -> [Int] {
            let numbers = try node.ints(name) ?? [Int](repeating: standard, count: count)
            guard numbers.count == count,
                numbers.allSatisfy({ (0...Shape.largestExtent).contains($0) })
            else {
                throw ONNXRefusal(name, "\(numbers)", expected: "\(count) numbers of at least 0")
            }
            return numbers
        }
        guard axes >= 1 else {
            throw ONNXRefusal("X", "\(shape)", expected: "[N, C, …]")
        }
        let size = try numbers("kernel_shape", axes, 1)
        let strides = try numbers("strides", axes, 1)
        let pads = try numbers("pads", 2 * axes, 0)
        var made = shape
        for axis in 0..<axes {
            made[axis + 2] =
                (shape[axis + 2] - 1) * strides[axis] + size[axis] - pads[axis] - pads[axis + axes]
        }
        if node.optional(2) != nil {
            made = try wholeNumbers(node, &importer, 2, "output_shape")
        }
        try checkExtents(made, "output_shape")
        try ONNXArithmetic.checkSize(made)
        let count = made.reduce(1, *)
        guard made.count == shape.count, (1...1 << 24).contains(count) else {
            throw ONNXRefusal("output_shape", "\(made)", expected: "at most \(1 << 24) numbers")
        }
        let zero = ONNXImporter.Value.running(
            try importer.running(
                .constant(ONNXConstant(try Tensor(shape: [1], repeating: 0)), name: "")), .float)
        let zeros = try importer.selected(
            zero, 0, [Int](repeating: 0, count: count), isLast: false)
        let flat = [shape.reduce(1, *)]
        let values = [
            try importer.running(zeros),
            try importer.running(importer.reshape(node.input(1), to: flat, isLast: false)),
            try importer.running(importer.reshape(x, to: flat, isLast: false)),
        ]
        let result = ONNXImporter.Value.running(
            try importer.emit(Scattering(.numbers, axis: 0), values, isLast: false), .float)
        return [try importer.reshape(result, to: made)]
    }
}

extension ONNXImporter {
    /// Numbers at places that may be computed.
    mutating func gathered(
        _ layer: Gathering, _ data: Value, _ indices: Value, isLast: Bool = true
    ) throws -> Value {
        guard type(of: indices).isInteger else {
            throw ONNXRefusal("indices", type(of: indices).name, expected: "whole numbers")
        }
        let values = [try running(data), try running(indices)]
        return .running(try emit(layer, values, isLast: isLast), type(of: data))
    }

    /// 1 where an index lies from `-count` to `count - 1`.
    fileprivate mutating func inside(_ index: Graph.Value, _ count: Int) throws -> Graph.Value {
        func number(_ value: Int) throws -> Graph.Value {
            try running(.constant(ONNXConstant(shape: [], integers: [value]), name: ""))
        }
        let (low, high) = (try number(-count), try number(count))
        let isAbove = try emit(Selection(.greaterOrEqual), index, low, isLast: false)
        let isBelow = try emit(Selection(.less), index, high, isLast: false)
        return try emit(Selection(.and), isAbove, isBelow, isLast: false)
    }
}
