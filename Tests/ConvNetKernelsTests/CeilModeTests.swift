// SPDX-License-Identifier: MIT
//
// Poolings in ceil mode as PyTorch does them, with windows larger than their images among them:
// what Tests/Fixtures/ceil_mode.py wrote down.

import ConvNetKernels
import ConvNetTestSupport
import Foundation
import Testing

/// A case of Tests/Fixtures/ceil_mode.json.
private struct CeilModeCase: Decodable {
    struct Result: Decodable {
        let shape: [Int]
        let max: [Float]
        let argmax: [Int32]
        let mean, mean_with_padding: [Double]?
    }
    let extent, size, stride, padding, dilation: [Int]
    let result: Result?

    static func load() throws -> [CeilModeCase] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/ceil_mode.json")
        return try JSONDecoder().decode([CeilModeCase].self, from: Data(contentsOf: file))
    }

    var window: Window {
        get throws {
            func both(_ pair: [Int]) -> PerAxis { PerAxis(height: pair[0], width: pair[1]) }
            return try Window(
                size: both(size), stride: both(stride),
                padding: Padding(
                    top: padding[0], bottom: padding[0], left: padding[1], right: padding[1]),
                dilation: both(dilation), ceilMode: true)
        }
    }

    var image: Tensor {
        get throws {
            try Tensor(
                shape: [1, 1] + extent,
                scalars: (0..<extent[0] * extent[1]).map { Float(37 * $0 % 101) })
        }
    }

    /// Whether the window reaches beyond the padded image.
    var isLarger: Bool {
        (0..<2).contains { dilation[$0] * (size[$0] - 1) + 1 > extent[$0] + 2 * padding[$0] }
    }
}

@Suite struct CeilModeTests {
    private static func allKernels() throws -> [any Kernels] {
        try InstructionSet.supported.map { try native($0) } + [reference]
    }

    @Test func poolingsAreAsInPyTorch() throws {
        let cases = try CeilModeCase.load()
        #expect(cases.count == 300)
        #expect(cases.count { $0.isLarger && $0.result != nil } >= 50)
        #expect(cases.count { $0.result == nil } >= 50)
        for one in cases {
            let (window, x) = (try one.window, try one.image)
            for kernels in try Self.allKernels() {
                let about = "\(kernels.name), \(x.shape), \(window)"
                guard let wanted = one.result else {
                    #expect(throws: TensorError.self, "\(about)") {
                        try kernels.maxPooling(x, window: window)
                    }
                    continue
                }
                let largest = try kernels.maxPoolingWithArgmax(x, window: window)
                #expect(largest.output.shape == [1, 1] + wanted.shape, "\(about)")
                #expect(largest.output.scalars == wanted.max, "\(about)")
                #expect(largest.argmax.indices == wanted.argmax, "\(about)")
                for (counts, means) in [(false, wanted.mean), (true, wanted.mean_with_padding)] {
                    guard let means else { continue }
                    let found = try kernels.averagePooling(
                        x, window: window, countIncludePad: counts)
                    // Sums of whole numbers are exact; the division is rounded once.
                    #expect(found.scalars == means.map { Float($0) }, "\(about), \(counts)")
                }
            }
        }
    }

    /// The one place of 3×3 taps on 2×2 pixels: four of them see a pixel.
    @Test func aWindowLargerThanItsImageHasOnePlace() throws {
        let x = try Tensor(shape: [1, 1, 2, 2], scalars: [1, 7, 3, 5])
        let window = try Window(3, stride: 2, ceilMode: true)
        let dy = try Tensor(shape: [1, 1, 1, 1], scalars: [8])
        for kernels in try Self.allKernels() {
            let result = try kernels.maxPoolingWithArgmax(x, window: window)
            #expect(result.output.scalars == [7] && result.argmax.indices == [1])
            #expect(
                try kernels.maxPoolingGradient(dy, argmax: result.argmax, inputShape: x.shape)
                    .scalars
                    == [0, 8, 0, 0])
            for counts in [false, true] {
                #expect(
                    try kernels.averagePooling(x, window: window, countIncludePad: counts).scalars
                        == [4])
                #expect(
                    try kernels.averagePoolingGradient(
                        dy, inputShape: x.shape, window: window, countIncludePad: counts
                    ).scalars == [2, 2, 2, 2])
            }
        }
    }

    /// Drawn windows of convolution and pooling that are larger than what they slide over.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func convolutionsAndFusedPoolingsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let stride = PerAxis(height: draw.int(2...4), width: draw.int(1...4))
        let size = PerAxis(height: draw.int(3...5), width: draw.int(1...5))
        let window = try Window(
            size: size, stride: stride, padding: 0, dilation: 1, ceilMode: true)
        let groups = draw.pick([1, 2])
        let (channels, filters) = (groups * draw.int(1...9), groups * draw.int(1...20))
        let x = try draw.integers([
            draw.int(1...3), channels,
            size.height - draw.int(1...min(size.height, stride.height) - 1),
            size.width + draw.int(0...9),
        ])
        let weights = try draw.integers([filters, channels / groups, size.height, size.width])
        let kernels = try native(set)
        func convolved(_ kernels: any Kernels) throws -> Tensor {
            try kernels.convolution(
                x, weights: weights, bias: nil, window: window, groups: groups)
        }
        let y = try convolved(reference)
        #expect(y.shape[2] == 1)
        #expect(try convolved(kernels) == y, "seed \(seed)")
        let dy = try draw.integers(y.shape)
        #expect(
            try kernels.convolutionInputGradient(
                dy, weights: weights, inputShape: x.shape, window: window, groups: groups)
                == reference.convolutionInputGradient(
                    dy, weights: weights, inputShape: x.shape, window: window, groups: groups),
            "seed \(seed)")
        #expect(
            try kernels.convolutionWeightGradient(dy, input: x, window: window, groups: groups)
                == reference.convolutionWeightGradient(
                    dy, input: x, window: window, groups: groups), "seed \(seed)")
        #expect(
            try kernels.im2col(x, window: window) == reference.im2col(x, window: window),
            "seed \(seed)")

        let pooling = try Window(
            size: PerAxis(height: draw.int(2...3), width: y.shape[3] + 1),
            stride: PerAxis(height: 3, width: draw.int(2...3)), padding: 0, dilation: 1,
            ceilMode: true)
        func fused(_ kernels: any Kernels) throws -> (output: Tensor, argmax: IndexTensor?) {
            try kernels.convolutionMaxPooling(
                x, weights: weights, prepacked: nil, bias: nil, window: window, groups: groups,
                pooling: pooling, rectified: false, wantsArgmax: true)
        }
        let (found, wanted) = (try fused(kernels), try fused(reference))
        #expect(found.output == wanted.output && found.argmax == wanted.argmax, "seed \(seed)")
        let dp = try draw.integers(wanted.output.shape)
        let argmax = try #require(wanted.argmax)
        func gradient(_ kernels: any Kernels) throws -> Tensor {
            try kernels.convolutionMaxPoolingWeightGradient(
                dp, argmax: argmax, input: x, window: window, groups: groups, pooling: pooling)
        }
        #expect(try gradient(kernels) == gradient(reference), "seed \(seed)")
    }
}
