// SPDX-License-Identifier: MIT
//
// How far results of Winograd's algorithm may be off, by a running error analysis: the algorithm
// step by step in Double, as the kernels do it in Float, and for each number that they round, how
// much of its rounding reaches a result.
//
// To first order a result y is off by Σ ∂y/∂r · δ_r over all rounded numbers r, where |δ_r| is at
// most half a unit in r's last place, h_r. So it is off by no more than Σ |∂y/∂r| h_r. Rounding
// errors have either sign: if they are taken to be independent and of mean 0, as Higham and Mary do
// ("A new approach to probabilistic rounding error analysis", 2019), then by Hoeffding's inequality
// the sum is at most λ √(Σ (∂y/∂r · h_r)²) but with a probability of 2·exp(−λ²/2); if they are
// uniform, of 2·exp(−3λ²/2), as uniform numbers are strictly sub-Gaussian. The smaller of the two
// is the bound. (Barabasz, Anderson, Soodhalter and Gregg, "Error analysis and improving the
// accuracy of Winograd convolution for deep neural networks", 2020, bound the same sums by norms of
// the transforms.)

import ConvNetTensor

/// A result and how far it may be off.
package struct RoundedResult {
    package let value: Double
    package let bound: Double
    /// The sum of the absolute values of the products that the result is a sum of.
    package let magnitude: Double
}

/// What the numbers of Winograd's algorithm that have been rounded add to a result's error.
package struct WinogradRounding {
    /// λ: with uniform rounding errors a number is beyond its bound less than once in 10¹⁵, and
    /// with any of mean 0 less than once in 10⁵.
    package static let deviations = 5.0

    private let kernel, groups, padding: Int
    /// Outputs of a tile along each axis.
    private var outputs: Int { 7 - kernel }

    /// For 3×3 or 5×5 taps at stride 1.
    package init(kernel: Int, groups: Int, padding: Int) {
        (self.kernel, self.groups, self.padding) = (kernel, groups, padding)
    }

    /// The outputs of one tile and one filter, by their places in the output `[N, F, OH, OW]`.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - weights: `[F, C/groups, K, K]`.
    ///   - bias: `[F]`, or nil for none.
    ///   - tile: of all, over images, rows and columns.
    package func outputs(
        _ x: Tensor, _ weights: Tensor, bias: Tensor?, filter: Int, tile: Int
    ) -> [(place: Int, result: RoundedResult)] {
        let (filters, channels) = (weights.shape[0], weights.shape[1])
        let size = outputSize(x)
        let (n, top, left) = corner(of: tile, in: size)
        let evaluate = LinearSteps.evaluate(kernel), expand = LinearSteps.expand
        let products = (0..<channels).map { c in
            let channel = filter / (filters / groups) * channels + c
            let taps = Self.square(
                kernel, of: weights, plane: filter * channels + c, top: 0, left: 0)
            let pixels = Self.square(
                6, of: x, plane: n * x.shape[1] + channel, top: top - padding,
                left: left - padding)
            return Product(
                left: SquareTrace(taps.map { $0 / 64 }, evaluate),
                right: SquareTrace(pixels, expand), small: taps, large: pixels)
        }
        let results = Self.results(
            of: products, evaluate, expand, then: .interpolate(outputs), divisor: 9,
            depth: channels, bias: bias?.doubles[filter])
        return results.enumerated().compactMap { index, result in
            let (i, j) = (top + index / outputs, left + index % outputs)
            guard i < size.height, j < size.width else { return nil }
            return (((n * filters + filter) * size.height + i) * size.width + j, result)
        }
    }

    /// The gradients of one filter's taps for one of its channels, by their places in the gradient
    /// `[F, C/groups, K, K]`.
    ///
    /// - Parameter depth: how many tiles are summed up before they are added to those before.
    package func taps(
        _ x: Tensor, outputGradient: Tensor, filter: Int, channel: Int, depth: Int
    ) -> [(place: Int, result: RoundedResult)] {
        let filters = outputGradient.shape[1]
        let (size, channels) = (outputSize(x), x.shape[1] / groups)
        let spread = LinearSteps.spread(outputs), expand = LinearSteps.expand
        let products = (0..<tileCount(x)).map { tile in
            let (n, top, left) = corner(of: tile, in: size)
            let gradients = Self.square(
                outputs, of: outputGradient, plane: n * filters + filter, top: top, left: left)
            let plane = n * x.shape[1] + filter / (filters / groups) * channels + channel
            let pixels = Self.square(
                6, of: x, plane: plane, top: top - padding, left: left - padding)
            return Product(
                left: SquareTrace(gradients, spread), right: SquareTrace(pixels, expand),
                small: gradients, large: pixels)
        }
        let first = (filter * channels + channel) * kernel * kernel
        return Self.results(
            of: products, spread, expand, then: .collect(kernel), divisor: 576, depth: depth,
            bias: nil
        ).enumerated().map { (first + $0, $1) }
    }

    /// The filters of the convolution that the gradient with respect to the images is: turned
    /// round, filters and channels of each group exchanged.
    package static func turned(_ weights: Tensor, groups: Int) throws -> Tensor {
        let (filters, channels) = (weights.shape[0] / groups, weights.shape[1])
        let (rows, columns) = (weights.shape[2], weights.shape[3])
        let old = weights.scalars
        var new: [Float] = []
        for g in 0..<groups {
            for c in 0..<channels {
                for f in 0..<filters {
                    let plane = ((g * filters + f) * channels + c) * rows * columns
                    new += old[plane..<plane + rows * columns].reversed()
                }
            }
        }
        return try Tensor(shape: [groups * channels, filters, rows, columns], scalars: new)
    }

    /// The tiles of all images.
    package func tileCount(_ x: Tensor) -> Int {
        let size = outputSize(x)
        return x.shape[0] * tiles(size.height) * tiles(size.width)
    }

    private func tiles(_ extent: Int) -> Int { (extent + outputs - 1) / outputs }

    /// The extents of the output.
    package func outputSize(_ x: Tensor) -> (height: Int, width: Int) {
        (x.shape[2] + 2 * padding - kernel + 1, x.shape[3] + 2 * padding - kernel + 1)
    }

    private func corner(
        of tile: Int, in size: (height: Int, width: Int)
    ) -> (n: Int, top: Int, left: Int) {
        let (rows, columns) = (tiles(size.height), tiles(size.width))
        return (
            tile / columns / rows, tile / columns % rows * outputs, tile % columns * outputs
        )
    }

    /// The numbers of a square part of a plane, zero outside it.
    private static func square(
        _ side: Int, of tensor: Tensor, plane: Int, top: Int, left: Int
    ) -> [Double] {
        let (height, width) = (tensor.shape[2], tensor.shape[3])
        return tensor.withUnsafeScalars(of: Float.self) { scalars in
            (0..<side * side).map { place in
                let (y, x) = (top + place / side, left + place % side)
                guard y >= 0, y < height, x >= 0, x < width else { return 0 }
                return Double(scalars[(plane * height + y) * width + x])
            }
        }
    }

    /// What comes of Σ left ⊙ right, transformed back and divided, with a bias.
    private static func results(
        of products: [Product], _ left: LinearSteps,
        _ right: LinearSteps, then back: LinearSteps, divisor: Double, depth: Int, bias: Double?
    ) -> [RoundedResult] {
        var sums = [Double](repeating: 0, count: 36)
        // Of each point's sum what its own roundings contribute.
        var roundings = [RoundingSum](repeating: RoundingSum(), count: 36)
        for point in 0..<36 {
            var part = 0.0
            for (index, product) in products.enumerated() {
                let term = product.left.points[point] * product.right.points[point]
                // Without fused multiply-add a product is rounded by itself.
                roundings[point].add(halfUnit(term))
                part += term
                roundings[point].add(halfUnit(part))
                guard (index + 1) % depth == 0 || index + 1 == products.count else { continue }
                sums[point] += part
                if index >= depth { roundings[point].add(halfUnit(sums[point])) }
                part = 0
            }
        }
        let trace = SquareTrace(sums, back)
        return trace.points.indices.map { index in
            var adjoints = [Double](repeating: 0, count: trace.points.count)
            adjoints[index] = 1 / divisor
            var sum = RoundingSum()
            let weights = trace.addRoundings(to: &sum, back, adjoints: adjoints)
            for (weight, rounding) in zip(weights, roundings) { sum.add(rounding, times: weight) }
            for product in products {
                _ = product.left.addRoundings(
                    to: &sum, left, adjoints: zip(weights, product.right.points).map(*))
                _ = product.right.addRoundings(
                    to: &sum, right, adjoints: zip(weights, product.left.points).map(*))
            }
            let quotient = trace.points[index] / divisor
            // The quotient is the product with a reciprocal, corrected, which rounds twice.
            sum.add(halfUnit(quotient))
            sum.add(halfUnit(quotient))
            if let bias { sum.add(halfUnit(quotient + bias)) }
            let side = back.outputCount
            let magnitude = products.reduce(abs(bias ?? 0)) {
                $0 + $1.magnitude(index / side, index % side)
            }
            return RoundedResult(
                value: quotient + (bias ?? 0), bound: sum.bound, magnitude: magnitude)
        }
    }
}

/// What is multiplied at each point, and what it was transformed from.
private struct Product {
    let left, right: SquareTrace
    let small, large: [Double]

    /// Σ |small| · |large| where the small square's corner lies on (i, j) of the large one.
    func magnitude(_ i: Int, _ j: Int) -> Double {
        let side = small.count == 4 ? 2 : small.count == 9 ? 3 : small.count == 16 ? 4 : 5
        return small.indices.reduce(0) { sum, place in
            let (u, v) = (place / side, place % side)
            return sum + abs(small[place] * large[(i + u) * 6 + j + v])
        }
    }
}
