// SPDX-License-Identifier: MIT
//
// Copies between views, and resampling.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Copies the numbers of `float32` that one view sees to where another one sees them. Exact.
    ///
    /// - Throws: ``TensorError`` when the views' shapes differ, a view reaches outside its tensor,
    ///   `target` may see a place twice, or a tensor is not of `float32`.
    public func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView
    ) throws {
        let execution = try execution
        try KernelChecks.copy(x, from: source, into: y, at: target)
        try Self.requireFloat32(("x", x), operation: "copy")
        let axes = [convk_copy_axis](from: source, to: target)
        try y.withMutablePointer(operation: "copy") { y in
            x.withPointer { x in
                convk_strided_copy(
                    y + target.offset, x + source.offset, axes, Int32(axes.count), execution)
            }
        }
    }

    /// A linear map along each of the last two axes, on `float32`.
    ///
    /// With R and C taps of a row and of a column, the weights rounded to `float32`:
    /// `|error| ≤ γ(R + C + 2) · Σ |rows[i,u] · columns[j,v] · x[…,u,v]|`.
    ///
    /// - Throws: ``TensorError`` when `x` has no two axes of these sizes or is not of `float32`, or
    ///   the output is too large.
    public func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor {
        let operation = "resampled"
        let execution = try execution
        let shape = try KernelChecks.resampled(inputShape: x.shape, rows: rows, columns: columns)
        try Self.requireFloat32(("x", x), operation: operation)
        let planes = x.count / (rows.inputSize * columns.inputSize)
        return try convk_resampling.with(rows) { rows in
            try convk_resampling.with(columns) { columns in
                var (rows, columns) = (rows, columns)
                let floats = convk_resample_workspace(&columns, execution)
                return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
                    try Self.makeTensor(shape, operation: operation, from: x) {
                        convk_resample($0, $1, planes, &rows, &columns, workspace, execution)
                    }
                }
            }
        }
    }
}
