// SPDX-License-Identifier: MIT
//
// Convolutions that use Winograd's algorithm: exact on small whole numbers, and within a sharp
// bound on numbers that rounding is hard on, on sizes with ragged tiles, panels and groups.

import ConvNetKernels
import ConvNetReference
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

    /// With fewer than 128 tiles only the output takes this algorithm: tiles of one vector and of
    /// several, ragged, and of several images.
    static let fewTiles: [([Int], Int, Int, Int, Int)] = [
        ([1, 50, 28, 28], 51, 3, 1, 1), ([1, 70, 14, 14], 130, 3, 1, 1),
        ([5, 48, 7, 8], 49, 3, 1, 1), ([2, 55, 22, 19], 48, 3, 0, 1),
        ([1, 49, 12, 13], 50, 5, 2, 1),
    ]

    @Test(arguments: InstructionSet.supported, 0..<fewTiles.count)
    func fewTilesAreExactOnSmallWholeNumbers(_ set: InstructionSet, _ index: Int) throws {
        var draw = Draw(seed: 20 + index)
        let (shape, filters, kernel, padding, groups) = Self.fewTiles[index]
        let window = try Window(kernel, padding: padding)
        let weightsShape = [filters, shape[1], kernel, kernel]
        let kernels = try native(set)
        let found = try kernels.convolutionAlgorithm(
            inputShape: shape, weightsShape: weightsShape, window: window)
        #expect(found == .winograd, "\(set), \(shape)")
        let (x, weights) = (try draw.integers(shape), try draw.integers(weightsShape))
        let bias = try draw.integers([filters])
        let run = { (kernels: any Kernels) in
            try kernels.convolution(
                x, weights: weights, bias: bias, window: window, groups: groups)
        }
        #expect(try run(kernels) == run(reference), "\(set), \(shape)")
    }

    /// The same bound as with many tiles: what is rounded is the same.
    @Test(
        .disabled(if: drawnCases < 120, "few cases are asked for"), arguments: 0..<fewTiles.count)
    func fewTilesAreWithinASharpBound(_ index: Int) throws {
        var draw = Draw(seed: 200 + index)
        let size = Self.fewTiles[index]
        let inputs = try Self.inputs(size) { try Numbers.drawn.tensor($0, &draw) }
        let rounding = WinogradRounding(kernel: size.2, groups: size.4, padding: size.3)
        let window = try Window(size.2, padding: size.3)
        let tiles = rounding.tileCount(inputs.x)
        let outputs = (0..<60).flatMap { _ in
            rounding.outputs(
                inputs.x, inputs.weights, bias: inputs.bias, filter: draw.int(0...size.1 - 1),
                tile: draw.int(0...tiles - 1))
        }
        for set in InstructionSet.supported {
            let found = try native(set).convolution(
                inputs.x, weights: inputs.weights, bias: inputs.bias, window: window, groups: 1
            ).doubles
            let ratios = outputs.map { place, result in
                abs(found[place] - result.value) / result.bound
            }
            #expect(ratios.allSatisfy { $0 <= 1 }, "\(set), \(size): \(ratios.max() ?? .nan)")
        }
    }

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

    @Test(arguments: InstructionSet.supported, 0...sizes.count)
    func eachSizeTakesThisAlgorithm(_ set: InstructionSet, _ index: Int) throws {
        let size = index < Self.sizes.count ? Self.sizes[index] : Self.manyTiles
        let (input, filters, kernel, padding, groups) = size
        for pass in ConvolutionPass.allCases {
            let found = try native(set).convolutionAlgorithm(
                inputShape: input, weightsShape: [filters, input[1] / groups, kernel, kernel],
                window: Window(kernel, padding: padding), groups: groups, pass: pass)
            #expect(found == .winograd, "\(set), \(size), \(pass)")
        }
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

    /// Numbers that rounding is hard on, each in its own way.
    enum Numbers: CaseIterable {
        /// Drawn, of mean 0.
        case drawn
        /// Magnitudes from 1e-3 to 1e3 side by side.
        case ofAllSizes
        /// Sums in which nothing cancels, except in the transforms.
        case positive
        /// The signs of the transforms' rows, so that everything adds up at a point.
        case aligned
        /// Each second channel takes off what the one before gave, but for the last bits.
        case cancelling

        func tensor(_ shape: [Int], _ draw: inout Draw) throws -> Tensor {
            var numbers = try draw.normal(shape).scalars
            let plane = shape.count == 4 ? shape[2] * shape[3] : 1
            for place in numbers.indices {
                let (row, column) = (
                    place % plane / shape[shape.count - 1], place % shape[shape.count - 1]
                )
                switch self {
                case .drawn: break
                case .ofAllSizes:
                    numbers[place] *= Float(
                        sign: .plus, exponent: draw.int(-10...10), significand: 1)
                case .positive: numbers[place] = abs(numbers[place])
                case .aligned:
                    let isNegative = plane > 25 ? row & 2 != column & 2 : row & 1 != column & 1
                    numbers[place] = abs(numbers[place]) * (isNegative ? -1 : 1)
                case .cancelling where place / plane % 2 == 1:
                    numbers[place] = plane > 25 ? -numbers[place - plane] : numbers[place - plane]
                    numbers[place] *= 1 + Float(draw.int(-4...4)) * 0x1p-23
                case .cancelling: break
                }
            }
            return try Tensor(shape: shape, scalars: numbers)
        }
    }

    /// All kinds with 3×3 filters and with 5×5 ones, and drawn numbers of each size.
    static let bounded: [(Int, Numbers)] =
        [0, 2].flatMap { index in Numbers.allCases.map { (index, $0) } }
        + [1, 3, 4].map { ($0, .drawn) }

    /// Of about a thousand results of each kind none is beyond its bound, and the one that comes
    /// closest is at least a quarter of it off: that is how sharp the bound is.
    ///
    /// Not where a sanitizer runs: the bounds take minutes there, and the kernels run above.
    @Test(
        .disabled(if: drawnCases < 120, "few cases are asked for"), arguments: bounded)
    func isWithinASharpBound(_ index: Int, _ numbers: Numbers) throws {
        var draw = Draw(seed: 100 + index)
        let size = index < Self.sizes.count ? Self.sizes[index] : Self.manyTiles
        let inputs = try Self.inputs(size) { try numbers.tensor($0, &draw) }
        let turned = try WinogradRounding.turned(inputs.weights, groups: size.4)
        let (kernel, padding, groups) = (size.2, size.3, size.4)
        let forward = WinogradRounding(kernel: kernel, groups: groups, padding: padding)
        let back = WinogradRounding(
            kernel: kernel, groups: groups, padding: kernel - 1 - padding)
        let (filters, channels) = (inputs.weights.shape[0], inputs.x.shape[1])
        // A tile has 16 outputs of a 3×3 filter, 4 of a 5×5 one; a filter's channel has 9 or 25
        // taps.
        let tiles = kernel == 3 ? 4 : 10
        func some(_ count: Int, of all: Int) -> [Int] {
            (0..<count).map { _ in draw.int(0...all - 1) }
        }
        func sample(
            _ rounding: WinogradRounding, _ x: Tensor, _ weights: Tensor, _ bias: Tensor?
        ) -> [(place: Int, result: RoundedResult)] {
            let (some, filters) = (
                some(tiles, of: rounding.tileCount(x)), some(12, of: weights.shape[0])
            )
            return some.flatMap { tile in
                filters.flatMap {
                    rounding.outputs(x, weights, bias: bias, filter: $0, tile: tile)
                }
            }
        }
        let outputs = sample(forward, inputs.x, inputs.weights, inputs.bias)
        let gradients = sample(back, inputs.outputGradient, turned, nil)
        let count = kernel == 5 || index == Self.sizes.count ? 16 : 32
        let pairs = zip(some(count, of: filters), some(count, of: channels / groups)).map {
            ($0, $1)
        }
        var taps: [Int: [(place: Int, result: RoundedResult)]] = [:]
        for set in InstructionSet.supported {
            let run = { (kernels: any Kernels) in
                try Self.results(
                    kernels, size, x: inputs.x, weights: inputs.weights, bias: inputs.bias,
                    outputGradient: inputs.outputGradient)
            }
            let depth = Self.depth(
                tiles: forward.tileCount(inputs.x), channels: channels / groups,
                filters: filters / groups, set)
            let ofDepth =
                taps[depth]
                ?? pairs.flatMap {
                    forward.taps(
                        inputs.x, outputGradient: inputs.outputGradient, filter: $0, channel: $1,
                        depth: depth)
                }
            taps[depth] = ofDepth
            let (results, direct) = try (
                run(native(set)),
                run(NativeKernels(threads: 2, instructionSet: set, winograd: false))
            )
            for (place, expected) in [outputs, gradients, ofDepth].enumerated() {
                #expect(results[place] != direct[place], "\(set): result \(place) is direct")
                let found = results[place].doubles
                let ratios = expected.map { place, result in
                    result.bound == 0
                        ? (found[place] == result.value ? 0 : .infinity)
                        : abs(found[place] - result.value) / result.bound
                }
                let largest = ratios.max() ?? .nan
                #expect(
                    largest <= 1 && largest >= 0.25 && ratios.allSatisfy { $0 <= 1 },
                    "\(set), \(size), \(numbers), result \(place): \(largest) of its bound")
            }
        }
    }

    /// As many tiles as the gradient with respect to filters takes at a time.
    static func depth(tiles: Int, channels: Int, filters: Int, _ set: InstructionSet) -> Int {
        func divided(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
        let width = [InstructionSet.avx512: 32, .avx2: 16, .neon: 12][set] ?? 8
        let most = min(max((1 << 20) / (36 * (channels + filters)), 128), 512)
        return divided(divided(tiles, divided(tiles, most)), width) * width
    }

    /// The values that the bounds are made around are the convolution's and its gradients' own.
    @Test(arguments: sizes.indices)
    func roundingIsFollowedThroughTheRightSteps(_ index: Int) throws {
        var draw = Draw(seed: 200 + index)
        let size = Self.sizes[index]
        let inputs = try Self.inputs(size) { try draw.normal($0) }
        let (kernel, padding, groups) = (size.2, size.3, size.4)
        let forward = WinogradRounding(kernel: kernel, groups: groups, padding: padding)
        let back = WinogradRounding(
            kernel: kernel, groups: groups, padding: kernel - 1 - padding)
        let expected = try Self.results(
            reference, size, x: inputs.x.converted(to: .float64),
            weights: inputs.weights.converted(to: .float64),
            bias: inputs.bias.converted(to: .float64),
            outputGradient: inputs.outputGradient.converted(to: .float64))
        let tile = forward.tileCount(inputs.x) - 1
        let turned = try WinogradRounding.turned(inputs.weights, groups: groups)
        for (tensor, results) in zip(
            expected,
            [
                forward.outputs(
                    inputs.x, inputs.weights, bias: inputs.bias, filter: 1, tile: tile),
                back.outputs(
                    inputs.outputGradient, turned, bias: nil, filter: 1,
                    tile: back.tileCount(inputs.outputGradient) - 1),
                forward.taps(
                    inputs.x, outputGradient: inputs.outputGradient, filter: 47, channel: 2,
                    depth: 128),
            ])
        {
            let numbers = tensor.doubles
            #expect(!results.isEmpty)
            for (place, result) in results {
                #expect(abs(numbers[place] - result.value) <= result.bound * 1e-5)
            }
        }
    }
}
