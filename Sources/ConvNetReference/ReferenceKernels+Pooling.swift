// SPDX-License-Identifier: MIT
//
// Max and average pooling and their gradients.

import ConvNetTensor

extension ReferenceKernels {
    /// The largest number that each window sees.
    ///
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` or the window does not suit it.
    public func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        try maxPoolingWithArgmax(x, window: window).output
    }

    /// The largest number that each window sees, and where it is.
    ///
    /// - Returns: maxima and flat indices, both `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` or the window does not suit it.
    public func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        let sizes = try KernelChecks.maxPooling(
            inputShape: x.shape, window: window, operation: "maxPooling")
        let input = x.doubles
        var (maxima, argmax): ([Double], [Int32]) = ([], [])
        Self.forEachPlace(of: sizes) { plane, i, j in
            var (largest, location) = (-Double.infinity, -1)
            sizes.forEachPixel(underPlace: i, j) { pixel in
                let value = input[plane * sizes.pixels + pixel]
                // The first of equals stays, and so does the first NaN.
                if location < 0 || value > largest || (value.isNaN && !largest.isNaN) {
                    (largest, location) = (value, pixel)
                }
            }
            maxima.append(largest)
            argmax.append(Int32(location))
        }
        return MaxPoolingResult(
            output: try Tensor(sizes.pooledShape, maxima, like: x),
            argmax: try IndexTensor(shape: sizes.pooledShape, indices: argmax))
    }

    /// Adds each output's gradient where its maximum came from.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes disagree or an index lies outside its plane.
    public func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor {
        let (_, inputPlane, outputPlane) = try KernelChecks.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
        let gradients = zip(outputGradient.doubles, argmax.indices)
        return try Tensor(inputShape, like: outputGradient, operation: "maxPoolingGradient") { dx in
            for (place, (gradient, pixel)) in gradients.enumerated() {
                dx[place / outputPlane * inputPlane + Int(pixel)] += gradient
            }
        }
    }

    /// The mean of the numbers that each window sees.
    ///
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` or the window does not suit it.
    public func averagePooling(
        _ x: Tensor, window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        let sizes = try KernelChecks.pooling(
            inputShape: x.shape, window: window, operation: "averagePooling")
        let input = x.doubles
        var means: [Double] = []
        Self.forEachPlace(of: sizes) { plane, i, j in
            var sum = 0.0
            sizes.forEachPixel(underPlace: i, j) { sum += input[plane * sizes.pixels + $0] }
            means.append(sum / sizes.divisor(atPlace: i, j, countIncludePad: countIncludePad))
        }
        return try Tensor(sizes.pooledShape, means, like: x)
    }

    /// Spreads each output's gradient over the pixels that it is the mean of.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes and the window disagree.
    public func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        let sizes = try KernelChecks.averagePoolingGradient(
            outputGradient, inputShape: inputShape, window: window)
        let dy = outputGradient.doubles
        let operation = "averagePoolingGradient"
        return try Tensor(inputShape, like: outputGradient, operation: operation) { dx in
            Self.forEachPlace(of: sizes) { plane, i, j in
                let place = plane * sizes.places + i * sizes.outputWidth + j
                let share =
                    dy[place] / sizes.divisor(atPlace: i, j, countIncludePad: countIncludePad)
                sizes.forEachPixel(underPlace: i, j) { dx[plane * sizes.pixels + $0] += share }
            }
        }
    }

    /// Goes through the places of the window in each plane.
    @inline(__always)
    private static func forEachPlace(
        of sizes: WindowedSizes, _ body: (_ plane: Int, _ i: Int, _ j: Int) -> Void
    ) {
        for plane in 0..<sizes.samples * sizes.channels {
            for i in 0..<sizes.outputHeight {
                for j in 0..<sizes.outputWidth { body(plane, i, j) }
            }
        }
    }
}

extension WindowedSizes {
    /// Names the flat index of each pixel that the window sees at one place, in reading order.
    @inline(__always)
    fileprivate func forEachPixel(underPlace i: Int, _ j: Int, _ body: (_ pixel: Int) -> Void) {
        for u in rows(underPlace: i, inside: 0..<height) {
            for v in columns(underPlace: j, inside: 0..<width) {
                body(row(i, tap: u) * width + column(j, tap: v))
            }
        }
    }

    /// How many taps count for the mean at one place: those on pixels, or also those on padding.
    fileprivate func divisor(atPlace i: Int, _ j: Int, countIncludePad: Bool) -> Double {
        let (top, left) = countIncludePad ? (window.padding.top, window.padding.left) : (0, 0)
        let bottom = height + (countIncludePad ? window.padding.bottom : 0)
        let right = width + (countIncludePad ? window.padding.right : 0)
        let rows = rows(underPlace: i, inside: -top..<bottom)
        let columns = columns(underPlace: j, inside: -left..<right)
        return Double(rows.count * columns.count)
    }

    /// The taps of output row i that lie on the given input rows.
    private func rows(underPlace i: Int, inside rows: Range<Int>) -> Range<Int> {
        taps(
            from: row(i, tap: 0), step: window.dilation.height, count: window.size.height,
            inside: rows)
    }

    /// The taps of output column j that lie on the given input columns.
    private func columns(underPlace j: Int, inside columns: Range<Int>) -> Range<Int> {
        taps(
            from: column(j, tap: 0), step: window.dilation.width, count: window.size.width,
            inside: columns)
    }

    /// The taps, one a step from the first on, that lie inside a range. A window may have far more
    /// than an image has pixels.
    private func taps(
        from first: Int, step: Int, count: Int, inside range: Range<Int>
    ) -> Range<Int> {
        /// How many taps lie before a place.
        func before(_ place: Int) -> Int {
            place <= first ? 0 : min((place - first - 1) / step + 1, count)
        }
        return before(range.lowerBound)..<before(range.upperBound)
    }
}
