// SPDX-License-Identifier: MIT
//
// The axes of a value in another order.

/// The input with its axes in another order: axis `a` of the output is axis
/// `permutation[a]` of the input.
///
/// ```swift
/// let toChannelsLast = try Transpose([0, 2, 3, 1])    // [N, C, H, W] to [N, H, W, C]
/// ```
public struct Transpose: ViewLayer {
    /// For each axis of the output that of the input, the first being 0.
    public let permutation: [Int]
    private let takesSamples: Bool

    /// A permutation of axes.
    ///
    /// - Parameter permutation: each axis of the input once. Axis 0, which counts samples,
    ///   stays the first.
    /// - Throws: ``TensorError`` when the numbers are no such permutation.
    public init(_ permutation: [Int]) throws {
        guard permutation.first == 0, permutation.sorted() == Array(permutation.indices) else {
            throw TensorError(
                operation: "Transpose", argument: "permutation", value: "\(permutation)",
                expected: "each axis once, first 0, the axis of samples")
        }
        self.permutation = permutation
        takesSamples = false
    }

    /// A permutation of any axes, that of samples included.
    init(anyAxes permutation: [Int]) throws {
        guard permutation.sorted() == Array(permutation.indices) else {
            throw TensorError(
                operation: "Transpose", argument: "permutation", value: "\(permutation)",
                expected: "each axis once")
        }
        self.permutation = permutation
        takesSamples = true
    }

    /// The input of some shape in the other order.
    func view(of inputShape: [Int]) throws -> StridedView {
        guard inputShape.count == permutation.count else {
            throw TensorError(
                operation: "Transpose", argument: "x", value: "\(inputShape)",
                expected: "as many axes as the permutation \(permutation)")
        }
        return try StridedView(shape: inputShape).transposed(permutation)
    }
}

extension Transpose: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Transpose"

    /// The permutation, and whether it may move the axis of samples, if so.
    public var layerSettings: LayerSettings {
        Axis.settings(["permutation": .integers(permutation)], takesSamples: takesSamples)
    }

    /// The layer with a permutation.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let takesSamples = try Axis.takeSamples(settings, others: ["permutation"])
        try tensors.require(only: [])
        let permutation = try settings.integers("permutation", in: 0...Shape.largestExtent)
        if takesSamples {
            try self.init(anyAxes: permutation)
        } else {
            try self.init(permutation)
        }
    }
}

extension Transpose: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add("Transpose", [], [("perm", .ints(permutation))])
    }
}
