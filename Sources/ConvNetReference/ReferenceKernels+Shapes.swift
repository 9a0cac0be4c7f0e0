// SPDX-License-Identifier: MIT
//
// Copies between views, and resampling.

import ConvNetTensor

extension ReferenceKernels {
    /// Copies the numbers that one view sees to where another one sees them.
    ///
    /// - Throws: ``TensorError`` when the views' shapes or the number types differ, a view reaches
    ///   outside its tensor, or `target` may see a place twice.
    public func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView
    ) throws {
        try KernelChecks.copy(x, from: source, into: y, at: target)
        let input = x.doubles
        var values = y.doubles
        var indices = [Int](repeating: 0, count: source.shape.count)
        for _ in 0..<source.shape.reduce(1, *) {
            values[target.place(of: indices)] = input[source.place(of: indices)]
            // The next indices: the last axis runs fastest.
            for axis in source.shape.indices.reversed() {
                indices[axis] += 1
                if indices[axis] < source.shape[axis] { break }
                indices[axis] = 0
            }
        }
        y = try Tensor(y.shape, values, like: y)
    }

    /// A linear map along each of the last two axes.
    ///
    /// - Throws: ``TensorError`` when `x` has no two axes of these sizes, or the output is too
    ///   large.
    public func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor {
        let shape = try KernelChecks.resampled(inputShape: x.shape, rows: rows, columns: columns)
        let input = x.doubles
        let (height, width) = (rows.inputSize, columns.inputSize)
        let planes = x.count / (height * width)
        let rowTaps = (0..<rows.outputSize).map { rows.taps(of: $0) }
        let columnTaps = (0..<columns.outputSize).map { columns.taps(of: $0) }
        return try Tensor(shape, like: x, operation: "resampled") { y in
            var place = 0
            for plane in 0..<planes {
                for taps in rowTaps {
                    for others in columnTaps {
                        for (u, rowWeight) in taps {
                            let row = (plane * height + u) * width
                            for (v, columnWeight) in others {
                                y[place] += rowWeight * columnWeight * input[row + v]
                            }
                        }
                        place += 1
                    }
                }
            }
        }
    }
}

extension StridedView {
    /// The place in the tensor of the number at some indices.
    fileprivate func place(of indices: [Int]) -> Int {
        zip(indices, strides).reduce(offset) { $0 + $1.0 * $1.1 }
    }
}

extension ResamplingTaps {
    /// What an output is the sum of.
    fileprivate func taps(of output: Int) -> [(place: Int, weight: Double)] {
        (firsts[output]..<firsts[output + 1]).map { (Int(places[$0]), weights[$0]) }
    }
}
