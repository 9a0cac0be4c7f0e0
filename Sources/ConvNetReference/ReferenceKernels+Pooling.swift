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
        let (planes, inputPlane, outputPlane) = try KernelChecks.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
        var dx = [Double](repeating: 0, count: planes * inputPlane)
        for (place, (gradient, pixel)) in zip(outputGradient.doubles, argmax.indices).enumerated() {
            dx[place / outputPlane * inputPlane + Int(pixel)] += gradient
        }
        return try Tensor(inputShape, dx, like: outputGradient)
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
        var dx = [Double](repeating: 0, count: inputShape.reduce(1, *))
        Self.forEachPlace(of: sizes) { plane, i, j in
            let place = plane * sizes.places + i * sizes.outputWidth + j
            let share =
                dy[place] / sizes.divisor(atPlace: i, j, countIncludePad: countIncludePad)
            sizes.forEachPixel(underPlace: i, j) { dx[plane * sizes.pixels + $0] += share }
        }
        return try Tensor(inputShape, dx, like: outputGradient)
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
        for u in 0..<window.size.height {
            let row = row(i, tap: u)
            guard row >= 0, row < height else { continue }
            for v in 0..<window.size.width {
                let column = column(j, tap: v)
                if column >= 0, column < width { body(row * width + column) }
            }
        }
    }

    /// How many taps count for the mean at one place: those on pixels, or also those on padding.
    fileprivate func divisor(atPlace i: Int, _ j: Int, countIncludePad: Bool) -> Double {
        let (top, left) = countIncludePad ? (window.padding.top, window.padding.left) : (0, 0)
        let bottom = height + (countIncludePad ? window.padding.bottom : 0)
        let right = width + (countIncludePad ? window.padding.right : 0)
        let rows = (0..<window.size.height).count { (-top..<bottom).contains(row(i, tap: $0)) }
        let columns = (0..<window.size.width).count {
            (-left..<right).contains(column(j, tap: $0))
        }
        return Double(rows * columns)
    }
}
