// SPDX-License-Identifier: MIT
//
// Some of the indices along one axis.

/// A part of the input along one axis, as Python's `x[from:to:step]`: `[N, 8, H, W]` to
/// `[N, 3, H, W]`.
///
/// Indices below 0 count from the end, and those beyond the ends mean the ends. A split is a slice
/// for each part.
///
/// ```swift
/// let front = try Slice(axis: 1, to: 4)
/// let turned = try Slice(axis: -1, step: -1)    // the last axis backwards
/// ```
public struct Slice: ViewLayer, Hashable {
    /// The axis; -1 is the last.
    public let axis: Int
    /// The first index; nil for the first in the direction of the step.
    public let from: Int?
    /// The index before which the slice ends; nil for the end in the direction of the step.
    public let to: Int?
    /// From one index to the next, not 0; backwards where it is negative.
    public let step: Int

    /// A slice along an axis.
    ///
    /// - Parameters:
    ///   - axis: from 1 on, or from the end, -1 being the last.
    ///   - from: the first index; below 0 it is counted from the end.
    ///   - to: the index before which the slice ends; below 0 it is counted from the end.
    ///   - step: from one index to the next; negative to go backwards.
    /// - Throws: ``TensorError`` when the axis is 0, which counts samples, or the step is 0 or
    ///   beyond 2³¹ − 1.
    public init(axis: Int, from: Int? = nil, to: Int? = nil, step: Int = 1) throws {
        try Axis.check(axis, operation: "Slice")
        guard step != 0, step.magnitude <= Shape.largestExtent else {
            throw TensorError(
                operation: "Slice", argument: "step", value: "\(step)",
                expected: "not 0, and from -\(Shape.largestExtent) to \(Shape.largestExtent)")
        }
        self.axis = axis
        self.from = from
        self.to = to
        self.step = step
    }

    /// A slice.
    public var pattern: LayerPattern { .slice(self) }

    /// The slice of an input of some shape.
    func view(of inputShape: [Int]) throws -> StridedView {
        let (axis, first, count) = try place(in: inputShape)
        return try StridedView(shape: inputShape)
            .slice(axis: axis, from: first, step: step, count: count)
    }

    /// Which indices of an input of some shape it takes, where the step is 1.
    func range(in inputShape: [Int]) throws -> Range<Int> {
        let (_, first, count) = try place(in: inputShape)
        return first..<first + count
    }

    /// The axis from 0 on, the first index along it, and how many there are.
    private func place(
        in inputShape: [Int]
    ) throws(TensorError) -> (axis: Int, first: Int, count: Int) {
        let axis = try Axis.resolved(axis, of: inputShape, operation: "Slice")
        let (first, count) = indices(of: inputShape[axis])
        guard count >= 1 else {
            throw TensorError(
                operation: "Slice", argument: "x", value: "\(inputShape)",
                expected: "at least one index along axis \(axis) in \(description)")
        }
        return (axis, first, count)
    }

    /// The first index along an axis, and how many there are.
    private func indices(of extent: Int) -> (first: Int, count: Int) {
        let (lower, upper) = step > 0 ? (0, extent) : (-1, extent - 1)
        func place(_ index: Int) -> Int {
            index < 0 ? max(index + extent, lower) : min(index, upper)
        }
        let first = from.map(place) ?? (step > 0 ? lower : upper)
        let end = to.map(place) ?? (step > 0 ? upper : lower)
        let length = step > 0 ? end - first : first - end
        return (first, length <= 0 ? 0 : (length - 1) / abs(step) + 1)
    }

    /// The indices as Python writes them.
    private var description: String {
        "\(from.map(String.init) ?? ""):\(to.map(String.init) ?? ""):\(step)"
    }
}

extension Slice: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Slice"

    /// The axis and the step, and the ends that are given.
    public var layerSettings: LayerSettings {
        var settings: LayerSettings = ["axis": .integer(axis), "step": .integer(step)]
        settings["from"] = from.map { .integer($0) }
        settings["to"] = to.map { .integer($0) }
        return settings
    }

    /// The layer with an axis, a step and the ends that are given.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["axis", "from", "to", "step"])
        try tensors.require(only: [])
        let all = Int.min...Int.max
        func end(_ name: String) throws -> Int? {
            settings[name] == nil ? nil : try settings.integer(name, in: all)
        }
        try self.init(
            axis: settings.integer("axis", in: all), from: end("from"), to: end("to"),
            step: settings.integer("step", in: all))
    }
}

extension Slice: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let axis = try Axis.resolved(axis, of: inputShape, operation: "Slice")
        // The ends of ONNX's range stand for those of the axis.
        let (first, end) = step > 0 ? (0, Int.max) : (Int.max, Int.min)
        graph.add(
            "Slice",
            [
                graph.addIntegers("starts", [from ?? first]),
                graph.addIntegers("ends", [to ?? end]), graph.addIntegers("axes", [axis]),
                graph.addIntegers("steps", [step]),
            ])
    }
}
