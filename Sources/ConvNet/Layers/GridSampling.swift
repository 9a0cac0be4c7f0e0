// SPDX-License-Identifier: MIT
//
// Images read at any places, as PyTorch's grid_sample and ONNX's GridSample do: of imported models.

/// The numbers of images `[N, C, H, W]` at the places of a grid `[N, OH, OW, 2]`, each a column and
/// a row from -1 to 1: `[N, C, OH, OW]`.
struct GridSampling: Layer {
    enum Mode: String, CaseIterable {
        case nearest, linear, cubic
    }

    /// What lies beyond the edges.
    enum Border: String, CaseIterable {
        case zeros, border, reflection
    }

    let mode: Mode
    let border: Border
    /// Whether -1 and 1 are the centres of the outermost pixels, and not their outer edges.
    let alignsCorners: Bool

    func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 2, inputShapes[0].count == 4, inputShapes[1].count == 4,
            inputShapes[1][0] == inputShapes[0][0], inputShapes[1][3] == 2
        else {
            throw TensorError(
                operation: "GridSampling", argument: "inputs", value: "\(inputShapes)",
                expected: "[N, C, H, W] and [N, OH, OW, 2]")
        }
        let shape = [
            inputShapes[0][0], inputShapes[0][1], inputShapes[1][1], inputShapes[1][2],
        ]
        _ = try Shape.elementCount(shape, operation: "GridSampling", argument: "grid")
        return shape
    }

    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: inputs.map(\.shape))
        let (numbers, grid) = (inputs[0].doubles, inputs[1].doubles)
        var results = [Double](repeating: 0, count: shape.reduce(1, *))
        forEachPlace(inputs.map(\.shape), grid) { place in
            var sum = 0.0
            for row in place.rows {
                for column in place.columns {
                    sum +=
                        row.weight * column.weight
                        * numbers[place.plane + row.index * place.width + column.index]
                }
            }
            results[place.output] = sum
        }
        return try Tensor(shape: shape, doubles: results).converted(to: inputs[0].scalarType)
    }

    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        Forward(try predict(inputs, on: pass.kernels), inputs: 2) { [self] dy, wanted in
            let (numbers, gradient) = (inputs[0].doubles, dy.doubles)
            var images = [Double](repeating: 0, count: numbers.count)
            var grid = [Double](repeating: 0, count: inputs[1].count)
            forEachPlace(inputs.map(\.shape), inputs[1].doubles) { place in
                let own = gradient[place.output]
                for row in place.rows {
                    for column in place.columns {
                        let at = place.plane + row.index * place.width + column.index
                        images[at] += own * row.weight * column.weight
                        grid[place.grid] += own * numbers[at] * row.weight * column.slope
                        grid[place.grid + 1] += own * numbers[at] * row.slope * column.weight
                    }
                }
            }
            func tensor(_ place: Int, _ sums: [Double]) throws -> Tensor? {
                guard wanted.inputs[place] else { return nil }
                return try Tensor(shape: inputs[place].shape, doubles: sums)
                    .converted(to: dy.scalarType)
            }
            return LayerGradients(inputs: [try tensor(0, images), try tensor(1, grid)])
        }
    }

    /// A number that an output has a part of.
    private struct Tap {
        let index: Int
        let weight: Double
        /// The weight's derivative by the grid's number.
        let slope: Double
    }

    /// What an output is made of.
    private struct Place {
        let output: Int
        /// Where the plane of the image begins, and how wide it is.
        let plane: Int
        let width: Int
        /// Where the column stands in the grid; the row stands behind it.
        let grid: Int
        let rows: [Tap]
        let columns: [Tap]
    }

    private func forEachPlace(
        _ shapes: [[Int]], _ grid: [Double], _ body: (Place) -> Void
    ) {
        let (channels, height, width) = (shapes[0][1], shapes[0][2], shapes[0][3])
        let outputs = shapes[1][1] * shapes[1][2]
        for sample in 0..<shapes[0][0] {
            for point in 0..<outputs {
                let place = 2 * (sample * outputs + point)
                let (columns, rows) = (taps(grid[place], width), taps(grid[place + 1], height))
                for channel in sample * channels..<(sample + 1) * channels {
                    body(
                        Place(
                            output: channel * outputs + point, plane: channel * height * width,
                            width: width, grid: place, rows: rows, columns: columns))
                }
            }
        }
    }

    /// The numbers along an axis that one of the grid's takes part of.
    private func taps(_ number: Double, _ extent: Int) -> [Tap] {
        let size = Double(extent)
        let scale = alignsCorners ? (size - 1) / 2 : size / 2
        var (position, slope) = ((number + 1) * scale - (alignsCorners ? 0 : 0.5), scale)
        // What is no place, or too far away to be counted, has no number.
        guard abs(position) < 0x1p40 else { return [] }
        if mode != .cubic { (position, slope) = bordered(position, slope, size) }
        let floor = position.rounded(.down)
        let rest = position - floor
        let weights: [(step: Double, weight: Double, slope: Double)]
        switch mode {
        case .nearest: weights = [(position.rounded(.toNearestOrEven) - floor, 1, 0)]
        case .linear: weights = [(0, 1 - rest, -1), (1, rest, 1)]
        case .cubic:
            weights = (-1...2).map { step in
                let distance = Double(step) - rest
                return (Double(step), Self.cubic(abs(distance)), Self.cubicSlope(distance))
            }
        }
        return weights.compactMap { step, weight, own in
            var index = floor + step
            if mode == .cubic { index = bordered(index, 0, size).position }
            guard index >= 0, index <= size - 1 else { return nil }
            return Tap(index: Int(index), weight: weight, slope: own * slope)
        }
    }

    /// A position inside, and the slope that is left of it.
    private func bordered(
        _ position: Double, _ slope: Double, _ size: Double
    ) -> (position: Double, slope: Double) {
        guard border != .zeros else { return (position, slope) }
        var (position, slope) = (position, slope)
        if border == .reflection {
            let (low, high) = alignsCorners ? (0, size - 1) : (-0.5, size - 0.5)
            guard high > low else { return (0, 0) }
            let turns = ((position - low) / (high - low)).rounded(.down)
            let rest = position - low - turns * (high - low)
            let isTurned = turns.truncatingRemainder(dividingBy: 2) != 0
            position = isTurned ? high - rest : low + rest
            if isTurned { slope = -slope }
        }
        let inside = min(max(position, 0), size - 1)
        return (inside, inside == position ? slope : 0)
    }

    private static let factor = -0.75

    private static func cubic(_ x: Double) -> Double {
        let a = factor
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }

    /// The derivative of the weight at a distance, by the position that the distance is taken from.
    private static func cubicSlope(_ distance: Double) -> Double {
        let (a, x) = (factor, abs(distance))
        let slope =
            x <= 1
            ? (3 * (a + 2) * x - 2 * (a + 3)) * x
            : x < 2 ? (3 * a * x - 10 * a) * x + 8 * a : 0
        return distance > 0 ? -slope : slope
    }
}

extension GridSampling: DescribedLayer {
    static let typeName = "GridSampling"

    var layerSettings: LayerSettings {
        [
            "mode": .text(mode.rawValue), "border": .text(border.rawValue),
            "aligns_corners": .flag(alignsCorners),
        ]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["mode", "border", "aligns_corners"])
        try tensors.require(only: [])
        self.init(
            mode: try settings.choice("mode"), border: try settings.choice("border"),
            alignsCorners: try settings.flag("aligns_corners"))
    }
}

extension GridSampling: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        // Version 17 of the operators calls the modes as PyTorch does.
        let name =
            switch mode {
            case .nearest: "nearest"
            case .linear: "bilinear"
            case .cubic: "bicubic"
            }
        graph.add(
            "GridSample", on: graph.inputs[0], [graph.inputs[1]],
            [
                ("mode", .text(name)), ("padding_mode", .text(border.rawValue)),
                ("align_corners", .int(alignsCorners ? 1 : 0)),
            ])
    }
}
