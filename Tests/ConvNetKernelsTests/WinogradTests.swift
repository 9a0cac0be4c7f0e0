// SPDX-License-Identifier: MIT
//
// Convolutions that go by Winograd's way: exact on small whole numbers, and within the bound of the
// transforms on numbers of any size, on sizes with ragged tiles, panels and groups.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct WinogradTests {
    /// (input, filters, kernel, padding, groups), all with at least 128 tiles and 48 channels.
    static let sizes: [([Int], Int, Int, Int, Int)] = [
        ([9, 48, 15, 14], 49, 3, 1, 1),
        ([3, 98, 19, 35], 96, 3, 0, 2),
        ([3, 51, 18, 9], 49, 5, 2, 1),
        ([15, 50, 11, 12], 48, 3, 3, 1),
    ]

    /// More tiles than the gradient with respect to filters takes at a time.
    static let manyTiles = ([20, 48, 30, 21], 50, 3, 1, 1)

    /// The convolution of one size and its gradients with respect to images and filters.
    static func results(
        _ kernels: any Kernels, _ size: ([Int], Int, Int, Int, Int), x: Tensor, weights: Tensor,
        bias: Tensor, outputGradient: Tensor
    ) throws -> [Tensor] {
        let window = try Window(size.2, padding: size.3)
        return [
            try kernels.convolution(
                x, weights: weights, bias: bias, window: window, groups: size.4),
            try kernels.convolutionInputGradient(
                outputGradient, weights: weights, inputShape: x.shape, window: window,
                groups: size.4),
            try kernels.convolutionWeightGradient(
                outputGradient, input: x, window: window, groups: size.4),
        ]
    }

    static func inputs(
        _ size: ([Int], Int, Int, Int, Int), _ tensor: ([Int]) throws -> Tensor
    ) throws -> (x: Tensor, weights: Tensor, bias: Tensor, outputGradient: Tensor) {
        let (shape, filters, kernel, padding, groups) = size
        let output = try Window(kernel, padding: padding).outputSize(
            height: shape[2], width: shape[3])
        return (
            try tensor(shape), try tensor([filters, shape[1] / groups, kernel, kernel]),
            try tensor([filters]), try tensor([shape[0], filters, output.height, output.width])
        )
    }

    @Test(arguments: 0...sizes.count)
    func isExactOnSmallWholeNumbers(_ index: Int) throws {
        var draw = Draw(seed: index)
        let size = index < Self.sizes.count ? Self.sizes[index] : Self.manyTiles
        let inputs = try Self.inputs(size) { shape in
            try Tensor(
                shape: shape,
                scalars: (0..<shape.reduce(1, *)).map { _ in Float(draw.int(-2...2)) })
        }
        let run = { (kernels: any Kernels) in
            try Self.results(
                kernels, size, x: inputs.x, weights: inputs.weights, bias: inputs.bias,
                outputGradient: inputs.outputGradient)
        }
        let expected = try run(reference)
        for set in InstructionSet.supported {
            #expect(try run(native(set)) == expected, "\(set), \(size)")
        }
    }

    /// Not where a sanitizer runs: the bounds take minutes there, and the kernels run above.
    @Test(.disabled(if: drawnCases < 120, "few cases are asked for"), arguments: sizes.indices)
    func isWithinTheTransformsBound(_ index: Int) throws {
        var draw = Draw(seed: 100 + index)
        let size = Self.sizes[index]
        let inputs = try Self.inputs(size) { shape in
            // Magnitudes from 1e-3 to 1e3 side by side.
            let numbers = try draw.normal(shape)
            return try Tensor(
                shape: shape,
                scalars: numbers.scalars.map {
                    $0 * Float(sign: .plus, exponent: draw.int(-10...10), significand: 1)
                })
        }
        let run = { (kernels: any Kernels) in
            try Self.results(
                kernels, size, x: inputs.x, weights: inputs.weights, bias: inputs.bias,
                outputGradient: inputs.outputGradient)
        }
        let (_, _, kernel, padding, groups) = size
        let bounds = [
            WinogradBound(kernel: kernel, groups: groups, padding: padding)
                .bounds(inputs.x, weights: inputs.weights),
            WinogradBound(kernel: kernel, groups: groups, padding: kernel - 1 - padding)
                .bounds(inputs.outputGradient, weights: try Self.turned(inputs.weights, groups)),
            WinogradBound(kernel: kernel, groups: groups, padding: padding)
                .weightGradientBounds(inputs.x, outputGradient: inputs.outputGradient),
        ]
        let expected = try run(reference)
        for set in InstructionSet.supported {
            let results = try run(native(set))
            let direct = try run(
                NativeKernels(threads: 2, instructionSet: set, winograd: false))
            for (index, ((result, expected), bound)) in zip(zip(results, expected), bounds)
                .enumerated()
            {
                #expect(result != direct[index], "\(set), \(size): result \(index) is direct")
                let comparison = Comparison(result, expected, bounds: bound)
                #expect(comparison.isWithinBounds, "\(set), \(size): \(comparison)")
            }
        }
    }

    /// The filters of the convolution that the gradient with respect to the images is: turned round,
    /// filters and channels of each group exchanged.
    static func turned(_ weights: Tensor, _ groups: Int) throws -> Tensor {
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
}

/// The error that Winograd's transforms may make, output by output:
/// (C + 40) u Σ |A'|((|G||w||G'|) ⊙ (|B'||x||B|))|A|, u the unit roundoff. Each term is rounded C
/// times in the sum over channels, and fewer than 40 times in transforms of at most 6 numbers along
/// two axes, in the division and in adding the bias.
struct WinogradBound {
    let kernel, groups, padding: Int

    private static let points: [Double] = [0, 1, -1, 2, -2]
    private static let b: [[Double]] = [
        [4, 0, 5, 0, 1, 0], [0, 4, 4, 1, 1, 0], [0, 4, 4, 1, 1, 0], [0, 2, 1, 2, 1, 0],
        [0, 2, 1, 2, 1, 0], [0, 4, 0, 5, 0, 1],
    ]
    private static let scales: [Double] = [1.0 / 4, 1.0 / 6, 1.0 / 6, 1.0 / 24, 1.0 / 24]

    /// |G|: powers of the points, scaled, and the highest coefficient.
    private var g: [[Double]] {
        zip(Self.points, Self.scales).map { point, scale in
            Self.powers(abs(point), kernel).map { $0 * scale }
        } + [Self.last(kernel)]
    }

    /// |A'|: powers of the points, and infinity's share in the last output.
    private var a: [[Double]] {
        let outputs = 7 - kernel
        return (0..<outputs).map { i in
            Self.points.map { Self.powers(abs($0), outputs)[i] } + [Self.last(outputs)[i]]
        }
    }

    private static func powers(_ point: Double, _ count: Int) -> [Double] {
        (0..<count).reduce(into: []) { powers, _ in
            powers.append(powers.isEmpty ? 1 : powers[powers.count - 1] * point)
        }

    }

    private static func last(_ count: Int) -> [Double] {
        (0..<count).map { $0 == count - 1 ? 1 : 0 }
    }

    /// matrix · square · matrix', flat.
    private static func transformed(_ square: [Double], by matrix: [[Double]]) -> [Double] {
        let inner = matrix[0].count
        let left = matrix.map { row in
            (0..<inner).map { j in
                (0..<inner).reduce(0) { $0 + row[$1] * square[$1 * inner + j] }
            }
        }
        return left.flatMap { row in
            matrix.map { other in zip(row, other).reduce(0) { $0 + $1.0 * $1.1 } }
        }
    }

    /// The numbers of a square part of a plane, zero outside it.
    private static func square(
        _ side: Int, at corner: (y: Int, x: Int), of numbers: [Double], plane: Int, height: Int,
        width: Int
    ) -> [Double] {
        (0..<side * side).map { place in
            let (y, x) = (corner.y + place / side, corner.x + place % side)
            guard y >= 0, y < height, x >= 0, x < width else { return 0 }
            return numbers[(plane * height + y) * width + x]
        }
    }

    /// A matrix with rows and columns exchanged.
    private static func transpose(_ matrix: [[Double]]) -> [[Double]] {
        matrix[0].indices.map { column in matrix.map { $0[column] } }
    }

    /// The bound of each tap's gradient: with T tiles in all,
    /// (T + 40) u |G'|(Σ (|A||dy||A'|) ⊙ (|B'||x||B|))|G| over the tiles.
    func weightGradientBounds(_ x: Tensor, outputGradient: Tensor) -> [Double] {
        let (samples, height, width) = (x.shape[0], x.shape[2], x.shape[3])
        let (rows, columns) = (outputGradient.shape[2], outputGradient.shape[3])
        let (channels, filters) = (x.shape[1] / groups, outputGradient.shape[1] / groups)
        let (pixels, gradients) = (x.doubles.map(abs), outputGradient.doubles.map(abs))
        let (spread, outputs) = (Self.transpose(a), 7 - kernel)
        var sums = [Double](repeating: 0, count: groups * filters * channels * 36)
        var tiles = 0
        for n in 0..<samples {
            for top in stride(from: 0, to: rows, by: outputs) {
                for left in stride(from: 0, to: columns, by: outputs) {
                    tiles += 1
                    let image = (0..<groups * channels).map { c in
                        Self.transformed(
                            Self.square(
                                6, at: (top - padding, left - padding), of: pixels,
                                plane: n * groups * channels + c, height: height, width: width),
                            by: Self.b)
                    }
                    let gradient = (0..<groups * filters).map { f in
                        Self.transformed(
                            Self.square(
                                outputs, at: (top, left), of: gradients,
                                plane: n * groups * filters + f, height: rows, width: columns),
                            by: spread)
                    }
                    Self.addProducts(
                        of: gradient, and: image, groups: groups, to: &sums)
                }
            }
        }
        let collect = Self.transpose(g)
        return (0..<groups * filters * channels).flatMap { plane in
            Self.transformed(Array(sums[plane * 36..<(plane + 1) * 36]), by: collect).map {
                $0 * gamma(tiles + 40)
            }
        }
    }

    /// sums[f, c] += gradient[f] ⊙ image[c] for each filter f and channel c of its group.
    private static func addProducts(
        of gradient: [[Double]], and image: [[Double]], groups: Int, to sums: inout [Double]
    ) {
        let (filters, channels) = (gradient.count / groups, image.count / groups)
        sums.withUnsafeMutableBufferPointer { sums in
            for f in gradient.indices {
                gradient[f].withUnsafeBufferPointer { gradient in
                    for c in 0..<channels {
                        image[f / filters * channels + c].withUnsafeBufferPointer { image in
                            let base = (f * channels + c) * 36
                            for p in 0..<36 { sums[base + p] += gradient[p] * image[p] }
                        }
                    }
                }
            }
        }
    }

    /// The bound of each output of x `[N, C, H, W]` with weights `[F, C/groups, K, K]`.
    func bounds(_ x: Tensor, weights: Tensor) -> [Double] {
        let (samples, height, width) = (x.shape[0], x.shape[2], x.shape[3])
        let (filters, channels) = (weights.shape[0] / groups, weights.shape[1])
        let (rows, columns) = (
            height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1
        )
        let (pixels, outputs) = (x.doubles.map(abs), 7 - kernel)
        let taps = weights.doubles.map(abs)
        let u = (0..<weights.shape[0] * channels).map { plane in
            let start = plane * kernel * kernel
            return Self.transformed(Array(taps[start..<start + kernel * kernel]), by: g)
        }
        var bounds = [Double](repeating: 0, count: samples * groups * filters * rows * columns)
        for n in 0..<samples {
            for group in 0..<groups {
                for top in stride(from: 0, to: rows, by: outputs) {
                    for left in stride(from: 0, to: columns, by: outputs) {
                        let v = (0..<channels).map { c in
                            let plane = (n * groups + group) * channels + c
                            let tile = Self.square(
                                6, at: (top - padding, left - padding), of: pixels,
                                plane: plane, height: height, width: width)
                            return Self.transformed(tile, by: Self.b)
                        }
                        for f in 0..<filters {
                            let filter = group * filters + f
                            var products = [Double](repeating: 0, count: 36)
                            products.withUnsafeMutableBufferPointer { products in
                                for c in 0..<channels {
                                    u[filter * channels + c].withUnsafeBufferPointer { u in
                                        v[c].withUnsafeBufferPointer { v in
                                            for p in 0..<36 { products[p] += u[p] * v[p] }
                                        }
                                    }
                                }
                            }
                            let tile = Self.transformed(products, by: a)
                            for i in 0..<min(outputs, rows - top) {
                                for j in 0..<min(outputs, columns - left) {
                                    let plane = (n * groups * filters + filter) * rows + top + i
                                    bounds[plane * columns + left + j] =
                                        tile[i * outputs + j] * gamma(channels + 40)
                                }
                            }
                        }
                    }
                }
            }
        }
        return bounds
    }
}
