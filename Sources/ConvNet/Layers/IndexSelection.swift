// SPDX-License-Identifier: MIT
//
// Given indices along an axis, each as often as one likes: slices, repetitions and paddings with a
// value's own numbers, of imported models.

/// The numbers at given indices along an axis, as NumPy's `take`.
struct IndexSelection: UnaryLayer {
    /// The axis, from 0, which may be that of samples.
    let axis: Int
    /// The indices, from 0.
    let indices: [Int]
    /// The input's extent along the axis: of another one the same indices would be other numbers.
    let extent: Int

    /// A selection along an axis.
    ///
    /// - Throws: ``TensorError`` when an index lies outside, or there is none.
    init(axis: Int, indices: [Int], extent: Int) throws {
        guard axis >= 0, (1...Shape.largestExtent).contains(extent) else {
            throw TensorError(
                operation: "IndexSelection", argument: "axis", value: "\(axis) of \(extent)",
                expected: "an axis from 0, and an extent from 1 to \(Shape.largestExtent)")
        }
        guard !indices.isEmpty, indices.allSatisfy((0..<extent).contains) else {
            throw TensorError(
                operation: "IndexSelection", argument: "indices",
                value: indices.isEmpty
                    ? "empty" : "\(indices.first { !(0..<extent).contains($0) } ?? 0)",
                expected: "at least one, from 0 to \(extent - 1)")
        }
        self.axis = axis
        self.indices = indices
        self.extent = extent
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard inputShape.indices.contains(axis), inputShape[axis] == extent else {
            throw TensorError(
                operation: "IndexSelection", argument: "x", value: "\(inputShape)",
                expected: "\(extent) along axis \(axis)")
        }
        var shape = inputShape
        shape[axis] = indices.count
        _ = try Shape.elementCount(shape, operation: "IndexSelection", argument: "x")
        return shape
    }

    func operationCount(for inputShape: [Int]) throws -> Int { 0 }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: x.shape)
        let source = try StridedView(shape: x.shape)
        let target = try StridedView(shape: shape)
        let runs = runs
        if runs.count == 1 {
            return try kernels.copied(
                x, as: Self.view(of: source, axis, runs[0].first, runs[0].step, indices.count))
        }
        var y = try Tensor(
            uninitialized: shape, scalarType: x.scalarType, operation: "IndexSelection")
        for run in runs {
            try kernels.copy(
                x, from: Self.view(of: source, axis, run.first, run.step, run.count), into: &y,
                at: target.slice(axis: axis, from: run.place, count: run.count))
        }
        return y
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let y = try predict(x, on: pass.kernels)
        return Forward(y) { [self, inputShape = x.shape] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(input: try gradient(outputGradient, inputShape))
        }
    }

    /// The gradients of the numbers that were taken, added up where one was taken several times.
    private func gradient(_ outputGradient: Tensor, _ inputShape: [Int]) throws -> Tensor {
        let inner = inputShape[(axis + 1)...].reduce(1, *)
        let outer = inputShape[..<axis].reduce(1, *)
        let numbers = outputGradient.doubles
        var sums = [Double](repeating: 0, count: outer * extent * inner)
        for block in 0..<outer {
            for (place, index) in indices.enumerated() {
                let from = (block * indices.count + place) * inner
                let to = (block * extent + index) * inner
                for offset in 0..<inner { sums[to + offset] += numbers[from + offset] }
            }
        }
        return try Tensor(shape: inputShape, doubles: sums)
            .converted(to: outputGradient.scalarType)
    }

    /// Part of a view; a step of 0 takes one index several times.
    private static func view(
        of whole: StridedView, _ axis: Int, _ first: Int, _ step: Int, _ count: Int
    ) throws -> StridedView {
        guard step == 0 else {
            return try whole.slice(axis: axis, from: first, step: step, count: count)
        }
        var (shape, strides) = (whole.shape, whole.strides)
        shape[axis] = count
        strides[axis] = 0
        return try StridedView(
            shape: shape, strides: strides, offset: whole.offset + first * whole.strides[axis])
    }

    /// The indices as rows of equal steps.
    private var runs: [(place: Int, first: Int, step: Int, count: Int)] {
        var runs: [(place: Int, first: Int, step: Int, count: Int)] = []
        for (place, index) in indices.enumerated() {
            if var run = runs.last {
                if run.count == 1 { run.step = index - run.first }
                if index == run.first + run.count * run.step {
                    run.count += 1
                    runs[runs.count - 1] = run
                    continue
                }
            }
            runs.append((place, index, 1, 1))
        }
        return runs
    }
}

extension IndexSelection: DescribedLayer {
    static let typeName = "IndexSelection"

    var layerSettings: LayerSettings {
        ["axis": .integer(axis), "indices": .integers(indices), "extent": .integer(extent)]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["axis", "indices", "extent"])
        try tensors.require(only: [])
        let all = 0...Shape.largestExtent
        try self.init(
            axis: settings.integer("axis", in: 0...64),
            indices: settings.integers("indices", in: all),
            extent: settings.integer("extent", in: all))
    }
}

extension IndexSelection: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        graph.add("Gather", [graph.addIntegers("indices", indices)], [("axis", .int(axis))])
    }
}
