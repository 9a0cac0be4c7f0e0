// SPDX-License-Identifier: MIT
//
// Where the maxima of a max pooling lie, as numbers: the second output of ONNX's MaxPool.

/// For each place of a pooling's window the index of its maximum among all numbers of the input.
struct MaximumPlaces: UnaryLayer {
    let window: Window
    /// Whether columns lie one behind the other in what the indices count, instead of rows.
    let countsColumns: Bool

    init(window: Window, countsColumns: Bool = false) {
        (self.window, self.countsColumns) = (window, countsColumns)
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        let shape = try MaxPooling(window: window).outputShape(for: inputShape)
        // Every index has to be a number that `Float` holds.
        guard inputShape.reduce(1, *) <= 1 << 24 else {
            throw TensorError(
                operation: "MaximumPlaces", argument: "x", value: "\(inputShape)",
                expected: "at most \(1 << 24) numbers")
        }
        return shape
    }

    func operationCount(for inputShape: [Int]) throws -> Int {
        try MaxPooling(window: window).operationCount(for: inputShape)
    }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: x.shape)
        let places = try kernels.maxPoolingWithArgmax(x, window: window).argmax.indices
        let (rows, columns) = (x.shape[2], x.shape[3])
        let outputs = shape[2] * shape[3]
        let numbers = places.enumerated().map { index, place in
            let (row, column) = (Int(place) / columns, Int(place) % columns)
            let own = countsColumns ? column * rows + row : Int(place)
            return Double(index / outputs * rows * columns + own)
        }
        return try Tensor(shape: shape, doubles: numbers).converted(to: x.scalarType)
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try predict(x, on: pass.kernels)) {
            [shape = x.shape, type = x.scalarType] _, wanted in
            LayerGradients(input: wanted.input ? try Tensor(zeros: shape, scalarType: type) : nil)
        }
    }
}

extension MaximumPlaces: DescribedLayer {
    static let typeName = "MaximumPlaces"

    var layerSettings: LayerSettings {
        window.layerSettings.merging(["counts_columns": .flag(countsColumns)])
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: Window.settingNames + ["counts_columns"])
        try tensors.require(only: [])
        self.init(
            window: try Window(settings: settings),
            countsColumns: try settings.flag("counts_columns"))
    }
}

extension MaximumPlaces: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        guard !window.usesCeilMode else {
            throw TensorError(
                operation: "exportONNX", argument: "MaximumPlaces", value: "ceil mode",
                expected: "places that padding covers")
        }
        graph.add(
            "MaxPool", [], step: "pooled",
            window.onnxAttributes(pads: window.padding) + [
                ("dilations", .ints([window.dilation.height, window.dilation.width])),
                ("storage_order", .int(countsColumns ? 1 : 0)),
            ])
        let indices = graph.addSecondOutput()
        graph.add("Cast", on: indices, [], [("to", .int(ONNXType.float.rawValue))])
    }
}
