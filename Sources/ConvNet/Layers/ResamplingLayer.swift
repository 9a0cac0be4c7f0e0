// SPDX-License-Identifier: MIT
//
// Layers that are a linear map along each axis of their images.

/// A layer whose output is its images resampled: `[N, C, H, W]` to `[N, C, OH, OW]`.
protocol ResamplingLayer: UnaryLayer {
    /// How the output's rows and columns are made of those of an input, whose shape the layer
    /// takes.
    ///
    /// - Throws: ``TensorError`` when an extent is too large.
    func taps(for inputShape: [Int]) throws -> (rows: ResamplingTaps, columns: ResamplingTaps)
}

extension ResamplingLayer {
    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try resampled(x, on: kernels)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try resampledForward(x, in: pass)
    }

    /// The images resampled.
    func resampled(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        let (rows, columns) = try taps(for: x.shape)
        return try kernels.resampled(x, rows: rows, columns: columns)
    }

    /// The images resampled, and the way back.
    func resampledForward(_ x: Tensor, in pass: Pass) throws -> Forward {
        _ = try outputShape(for: x.shape)
        let (rows, columns) = try taps(for: x.shape)
        let output = try pass.kernels.resampled(x, rows: rows, columns: columns)
        return Forward(output) { [kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.resampled(
                    outputGradient, rows: rows.transposed, columns: columns.transposed))
        }
    }

    /// Fails unless a shape is that of images whose sides can be resampled to those of others.
    func requireImages(_ inputShape: [Int], resizedTo sides: [Int]) throws(TensorError) {
        let operation = "\(Self.self)"
        guard inputShape.count == 4 else {
            throw TensorError(
                operation: operation, argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W]")
        }
        _ = try Shape.elementCount(inputShape, operation: operation, argument: "x")
        let allowed = 1...ResamplingTaps.largestExtent
        for (argument, sides) in [("x", Array(inputShape[2...])), ("output", sides)] {
            guard sides.allSatisfy(allowed.contains) else {
                throw TensorError(
                    operation: operation, argument: argument,
                    value: "\(sides[0])×\(sides[1]) pixels",
                    expected: "sides from 1 to \(allowed.upperBound)")
            }
        }
        _ = try Shape.elementCount(
            inputShape.prefix(2) + sides, operation: operation, argument: "output")
    }
}

extension ONNXGraph {
    /// Adds the products with the matrices of the maps, for what ONNX has no operator for.
    mutating func addResampling(rows: ResamplingTaps, columns: ResamplingTaps) throws {
        if try rows != ResamplingTaps(identity: rows.inputSize) {
            let x = value
            add("MatMul", on: try addConstant("rows", rows.matrix()), [x], step: "resampled")
        }
        if try columns != ResamplingTaps(identity: columns.inputSize) {
            add("MatMul", [try addConstant("columns", columns.transposed.matrix())])
        }
    }
}
