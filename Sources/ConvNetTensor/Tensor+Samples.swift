// SPDX-License-Identifier: MIT
//
// A batch is a tensor whose first axis counts samples. Taking some of them copies whole rows.

extension Tensor {
    /// The samples at the given places of the first axis, in the given order, as a new batch.
    ///
    /// - Parameter indices: places on the first axis; a place may come twice.
    /// - Returns: shape `[indices.count] + shape[1...]`.
    /// - Throws: ``TensorError`` when there are no indices, one is outside, or the tensor has no
    ///   axis.
    public func samples(at indices: [Int]) throws(TensorError) -> Tensor {
        guard let sampleCount = shape.first, !indices.isEmpty,
            indices.allSatisfy({ $0 >= 0 && $0 < sampleCount })
        else {
            throw TensorError(
                operation: "samples", argument: "indices", value: Self.abbreviated(indices),
                expected: "at least one index, each inside the first axis of \(shape)")
        }
        var result = try Tensor(
            uninitialized: [indices.count] + shape.dropFirst(), scalarType: scalarType,
            operation: "samples")
        switch scalarType {
        case .float32: copySamples(at: indices, as: Float.self, to: &result)
        case .float64: copySamples(at: indices, as: Double.self, to: &result)
        }
        return result
    }

    /// The samples in a range of the first axis, as a new batch.
    ///
    /// - Throws: ``TensorError`` when the range is empty or reaches outside.
    public func samples(_ range: Range<Int>) throws(TensorError) -> Tensor {
        guard let sampleCount = shape.first, !range.isEmpty, range.lowerBound >= 0,
            range.upperBound <= sampleCount
        else {
            throw TensorError(
                operation: "samples", argument: "range", value: "\(range)",
                expected: "a range inside the first axis of \(shape)")
        }
        return try samples(at: Array(range))
    }

    /// The samples of several batches as one.
    ///
    /// - Parameters:
    ///   - parts: at least one; all of the same type, and of samples of the same shape.
    ///   - count: how many samples there are to be at least; those that lack are zeros.
    /// - Throws: ``TensorError`` when there is no memory for them.
    package static func batch(of parts: [Tensor], filledTo count: Int) throws(TensorError) -> Tensor
    {
        let samples = max(parts.reduce(0) { $0 + $1.shape[0] }, count)
        var result = try Tensor(
            uninitialized: [samples] + parts[0].shape.dropFirst(), scalarType: parts[0].scalarType,
            operation: "batch")
        switch result.scalarType {
        case .float32: result.fill(with: parts, as: Float.self)
        case .float64: result.fill(with: parts, as: Double.self)
        }
        return result
    }

    /// Writes the numbers of several tensors one after the other, and zeros behind them.
    private mutating func fill<Scalar: TensorScalar>(with parts: [Tensor], as type: Scalar.Type) {
        withUnsafeMutableScalars(of: type) { numbers in
            var place = 0
            for part in parts {
                part.withUnsafeScalars(of: type) { source in
                    place = numbers[place...].update(fromContentsOf: source)
                }
            }
            numbers[place...].update(repeating: 0)
        }
    }

    /// For each row of a matrix, the column of its largest number; the first of equals. NaN counts
    /// as largest.
    ///
    /// - Returns: one column for each of the N rows of `[N, K]`.
    /// - Throws: ``TensorError`` when the tensor is not a matrix.
    public func argmaxOfRows() throws(TensorError) -> [Int] {
        guard shape.count == 2 else {
            throw TensorError(
                operation: "argmaxOfRows", argument: "shape", value: "\(shape)", expected: "[N, K]")
        }
        let columns = shape[1]
        let values = doubles
        return (0..<shape[0]).map { row in
            var best = 0
            for column in 1..<max(columns, 1) {
                let candidate = values[row * columns + column]
                let largest = values[row * columns + best]
                if candidate > largest || (candidate.isNaN && !largest.isNaN) { best = column }
            }
            return best
        }
    }

    /// Each pixel of images as a row of its channels: `[N, C, H, W]` to `[N·H·W, C]`.
    ///
    /// - Throws: ``TensorError`` when there are not four axes, or there is no memory for the rows.
    package func pixelsAsRows() throws(TensorError) -> Tensor {
        guard shape.count == 4 else {
            throw TensorError(
                operation: "pixelsAsRows", argument: "self", value: "\(shape)",
                expected: "[N, C, H, W]")
        }
        var rows = try Tensor(
            uninitialized: [shape[0] * shape[2] * shape[3], shape[1]], scalarType: scalarType,
            operation: "pixelsAsRows")
        switch scalarType {
        case .float32: transposePlanes(into: &rows, as: Float.self)
        case .float64: transposePlanes(into: &rows, as: Double.self)
        }
        return rows
    }

    private func transposePlanes<Scalar: TensorScalar>(
        into rows: inout Tensor, as type: Scalar.Type
    ) {
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        withUnsafeScalars(of: type) { planes in
            rows.withUnsafeMutableScalars(of: type) { rows in
                for sample in 0..<shape[0] {
                    let begin = sample * channels * pixels
                    for channel in 0..<channels {
                        for pixel in 0..<pixels {
                            rows[begin + pixel * channels + channel] =
                                planes[begin + channel * pixels + pixel]
                        }
                    }
                }
            }
        }
    }

    private func copySamples<Scalar: TensorScalar>(
        at indices: [Int], as type: Scalar.Type, to result: inout Tensor
    ) {
        let sampleSize = count / shape[0]
        withUnsafeScalars(of: type) { source in
            result.withUnsafeMutableScalars(of: type) { destination in
                for (place, index) in indices.enumerated() {
                    let row = source[index * sampleSize..<(index + 1) * sampleSize]
                    _ = UnsafeMutableBufferPointer(
                        rebasing: destination[place * sampleSize..<(place + 1) * sampleSize]
                    ).update(fromContentsOf: UnsafeBufferPointer(rebasing: row))
                }
            }
        }
    }

    private static func abbreviated(_ indices: [Int]) -> String {
        indices.count <= 8 ? "\(indices)" : "\(indices.count) indices"
    }
}
