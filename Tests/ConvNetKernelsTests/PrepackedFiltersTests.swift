// SPDX-License-Identifier: MIT
//
// Filters that are kept from one prediction to the next: the same bits as without, whatever changes
// between two calls, on each instruction set and by each way that a convolution may go.

import ConvNetKernels
import ConvNetTestSupport
import Testing

/// A convolution with filters enough to be worth keeping.
struct KeptConvolution: Sendable, CustomTestStringConvertible {
    let name: String
    let shape: [Int]
    let filters: Int
    let window: Window
    var groups = 1
    var algorithm: ConvolutionAlgorithm?
    /// Whether the algorithm is taken where vectors are wide; elsewhere it is ``pointwise``.
    var needsVectors = false

    func algorithm(on set: InstructionSet) -> ConvolutionAlgorithm? {
        needsVectors && ![.avx2, .avx512].contains(set) ? .pointwise : algorithm
    }

    var testDescription: String { name }
    var weightsShape: [Int] {
        [filters, shape[1] / groups, window.size.height, window.size.width]
    }

    /// One for each way.
    static var all: [KeptConvolution] {
        get throws {
            [
                KeptConvolution(
                    name: "Winograd's algorithm", shape: [8, 48, 24, 24], filters: 160,
                    window: try Window(3, padding: 1), algorithm: .winograd),
                KeptConvolution(
                    name: "by rows", shape: [1, 900, 8, 20], filters: 3, window: try Window(5),
                    algorithm: .rows),
                KeptConvolution(
                    name: "directly", shape: [1, 64, 19, 9], filters: 130,
                    window: try Window(3, stride: 2, padding: 1), algorithm: .direct),
                KeptConvolution(
                    name: "as a product", shape: [1, 512, 16, 15], filters: 262,
                    window: try Window(1), groups: 2, algorithm: .pointwise),
                KeptConvolution(
                    name: "directly, filters of one tap", shape: [2, 512, 5, 5], filters: 262,
                    window: try Window(1), groups: 2, algorithm: .direct, needsVectors: true),
                KeptConvolution(
                    name: "as a product with its taps in blocks", shape: [3, 300, 5, 5],
                    filters: 20, window: try Window(3, padding: 1), algorithm: .implicitGEMM),
            ]
        }
    }
}

@Suite struct PrepackedFiltersTests {
    private static func convolution(
        _ kernels: NativeKernels, _ kept: KeptConvolution, _ x: Tensor, _ weights: Tensor,
        _ bias: Tensor, _ prepacked: PrepackedFilters?
    ) throws -> Tensor {
        try kernels.convolution(
            x, weights: weights, prepacked: prepacked, bias: bias, window: kept.window,
            groups: kept.groups, rectified: false)
    }

    @Test(arguments: InstructionSet.supported, try KeptConvolution.all)
    func eachCaseTakesItsAlgorithm(_ set: InstructionSet, _ kept: KeptConvolution) throws {
        let found = try native(set).convolutionAlgorithm(
            inputShape: kept.shape, weightsShape: kept.weightsShape, window: kept.window,
            groups: kept.groups)
        #expect(found == kept.algorithm(on: set), "\(set), \(kept.name)")
    }

    @Test(arguments: InstructionSet.supported, try KeptConvolution.all)
    func theBitsAreThoseOfFiltersThatAreNotKept(
        _ set: InstructionSet, _ kept: KeptConvolution
    ) throws {
        var draw = Draw(seed: 5)
        let (x, weights) = (try draw.normal(kept.shape), try draw.normal(kept.weightsShape))
        let bias = try draw.normal([kept.filters])
        let expected = try Self.convolution(native(set), kept, x, weights, bias, nil)
        let prepacked = PrepackedFilters()
        for call in 1...4 {
            let y = try Self.convolution(
                native(set, threads: 1 + call % 3), kept, x, weights, bias, prepacked)
            #expect(y.hasSameBits(as: expected), "\(set), \(kept.name), call \(call)")
            let bytes = prepacked.byteCount
            // Nothing is prepacked for one call; then no more than the documentation says.
            let most = call == 1 ? 0...0 : 4 * weights.count...20 * weights.count
            #expect(most.contains(bytes), "\(set), \(kept.name), call \(call)")
        }
        // Other images with the same filters: one that goes the same way, one that may not.
        for samples in [kept.shape[0] + 1, 1] {
            let other = try draw.normal([samples] + kept.shape.dropFirst())
            let expected = try Self.convolution(native(set), kept, other, weights, bias, nil)
            for call in 1...3 {
                let y = try Self.convolution(native(set), kept, other, weights, bias, prepacked)
                #expect(
                    y.hasSameBits(as: expected),
                    "\(set), \(kept.name), \(samples) samples, call \(call)")
            }
        }
    }

    @Test(arguments: InstructionSet.supported, try KeptConvolution.all)
    func aPooledConvolutionHasTheSameBits(
        _ set: InstructionSet, _ kept: KeptConvolution
    ) throws {
        var draw = Draw(seed: 6)
        let (x, weights) = (try draw.normal(kept.shape), try draw.normal(kept.weightsShape))
        let kernels = try native(set)
        func pooled(_ prepacked: PrepackedFilters?) throws -> Tensor {
            try kernels.convolutionMaxPooling(
                x, weights: weights, prepacked: prepacked, bias: nil, window: kept.window,
                groups: kept.groups, pooling: Window(2, stride: 2), rectified: true,
                wantsArgmax: false
            ).output
        }
        let expected = try pooled(nil)
        let prepacked = PrepackedFilters()
        for call in 1...3 {
            #expect(
                try pooled(prepacked).hasSameBits(as: expected), "\(set), \(kept.name), \(call)")
        }
        #expect(prepacked.byteCount > 0, "\(set), \(kept.name)")
    }

    /// Whatever kernels kept before, they take it for nothing but what it is.
    @Test(arguments: try KeptConvolution.all)
    func kernelsMayChangeBetweenCalls(_ kept: KeptConvolution) throws {
        var draw = Draw(seed: 7)
        let (x, weights) = (try draw.normal(kept.shape), try draw.normal(kept.weightsShape))
        let bias = try draw.normal([kept.filters])
        let prepacked = PrepackedFilters()
        for turn in 0..<2 {
            for set in InstructionSet.supported {
                for winograd in [true, false] {
                    let kernels = try NativeKernels(
                        threads: 2, instructionSet: set, winograd: winograd)
                    let expected = try Self.convolution(kernels, kept, x, weights, bias, nil)
                    for call in 0..<3 - turn {
                        let y = try Self.convolution(kernels, kept, x, weights, bias, prepacked)
                        #expect(
                            y.hasSameBits(as: expected),
                            "\(kept.name), \(set), winograd \(winograd), turn \(turn), call \(call)"
                        )
                    }
                }
            }
        }
    }

    /// A layer takes a new place when its filters change. One that does not still gets results of
    /// the current filters, be they others or the same ones written to.
    @Test(arguments: try KeptConvolution.all)
    func otherFiltersAreNotMistakenForThoseThatWereKept(_ kept: KeptConvolution) throws {
        var draw = Draw(seed: 8)
        let (x, bias) = (try draw.normal(kept.shape), try draw.normal([kept.filters]))
        var weights = try draw.normal(kept.weightsShape)
        let kernels = NativeKernels()
        let prepacked = PrepackedFilters()
        for change in 0..<4 {
            let expected = try Self.convolution(kernels, kept, x, weights, bias, nil)
            for call in 0..<3 {
                let y = try Self.convolution(kernels, kept, x, weights, bias, prepacked)
                #expect(
                    y.hasSameBits(as: expected), "\(kept.name), change \(change), call \(call)")
            }
            if change % 2 == 0 {
                try kernels.sgdUpdate(
                    &weights, gradient: draw.normal(kept.weightsShape), learningRate: 0.5,
                    adjustment: GradientAdjustment())
            } else {
                weights = try draw.normal(kept.weightsShape)
            }
        }
    }

    @Test func fewFiltersAreNotKept() throws {
        var draw = Draw(seed: 9)
        let kept = KeptConvolution(
            name: "few", shape: [1, 1, 20, 20], filters: 16, window: try Window(5))
        let (x, weights) = (try draw.normal(kept.shape), try draw.normal(kept.weightsShape))
        let prepacked = PrepackedFilters()
        for _ in 0..<3 {
            _ = try Self.convolution(
                NativeKernels(), kept, x, weights, draw.normal([16]), prepacked)
        }
        #expect(prepacked.byteCount == 0)
    }
}
