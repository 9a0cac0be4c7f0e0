// SPDX-License-Identifier: MIT
//
// That a convolution's row finds an error that is far beyond what Winograd's algorithm makes,
// although a direct sum's bound lets it pass.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

@testable import Benchmarks

/// The native kernels, off in one number of one result.
struct SpoiltConvolutions: ForwardingKernels, ChoosingKernels {
    struct Fault {
        let pass: ConvolutionPass
        let place: Int
        /// What is added.
        let error: Double
    }

    let name = "spoilt"
    let right: NativeKernels
    let fault: Fault?

    private func spoilt(_ tensor: Tensor, _ pass: ConvolutionPass) throws -> Tensor {
        guard let fault, fault.pass == pass else { return tensor }
        var numbers = tensor.scalars
        numbers[fault.place] = Float(Double(numbers[fault.place]) + fault.error)
        return try Tensor(shape: tensor.shape, scalars: numbers)
    }

    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let (output, argmax) = try right.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
        return (try spoilt(output, .forward), argmax)
    }
    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        try spoilt(
            right.convolutionInputGradient(
                outputGradient, weights: weights, inputShape: inputShape, descriptor),
            .inputGradient)
    }
    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        try spoilt(
            right.convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: maxima), .weightGradient)
    }
}

@Suite struct WinogradRowTests {
    /// The smallest that Winograd's algorithm pays for.
    static let layers = [
        layer("3×3", samples: 15, channels: 50, extent: 11, kernel: 3),
        layer("5×5", samples: 6, channels: 48, extent: 9, kernel: 5),
    ]

    private static func layer(
        _ name: String, samples: Int, channels: Int, extent: Int, kernel: Int
    ) -> LayerShape {
        LayerShape(
            name: name, samples: samples, channels: channels, extent: extent, filters: 49,
            kernel: kernel, stride: 1, padding: kernel / 2, needsFull: false)
    }

    static func check(
        _ layer: LayerShape, _ set: InstructionSet, _ fault: SpoiltConvolutions.Fault?
    ) throws -> Check {
        let kernels = SpoiltConvolutions(
            right: try NativeKernels(threads: 2, instructionSet: set), fault: fault)
        let row = fault?.pass == .forward ? "conv.forward" : "conv.forward+backward"
        let benchmark = try #require(
            ConvolutionCases.cases(of: layer).first { $0.name == "\(row).\(layer.name)" })
        return try benchmark.prepare(
            Run(kernels: kernels, reference: ReferenceKernels(), referenceBudget: 100_000)
        ).check()
    }

    /// A fault of twenty times the largest error of the sampled numbers, or of what a direct sum's
    /// bound lets pass if that is less, in the one of them that this bound has most room for, in
    /// the last plane, which the reference computes too.
    static func fault(
        _ layer: LayerShape, _ pass: ConvolutionPass, _ set: InstructionSet
    ) throws -> SpoiltConvolutions.Fault {
        let kernels = try NativeKernels(threads: 2, instructionSet: set)
        let window = try layer.window()
        let rounding = try #require(
            try kernels.winograd(
                inputShape: layer.inputShape, weightsShape: layer.weightsShape, window: window,
                groups: 1, pass: pass))
        // The row's own inputs.
        let (x, weights) = (
            try Inputs.tensor(layer.inputShape, seed: 1),
            try Inputs.tensor(layer.weightsShape, seed: 2)
        )
        let bias = try Inputs.tensor([layer.filters], seed: 3)
        let dy = try Inputs.tensor(layer.outputShape, seed: 4)
        let (found, some, terms) =
            switch pass {
            case .forward:
                (
                    try kernels.convolution(
                        x, weights: weights, bias: bias, window: window, groups: 1),
                    rounding.someOutputs(x, weights, bias: bias),
                    weights.count / layer.filters + 2
                )
            case .inputGradient:
                (
                    try kernels.convolutionInputGradient(
                        dy, weights: weights, inputShape: x.shape, window: window, groups: 1),
                    rounding.someOutputs(
                        dy, try WinogradRounding.turned(weights, groups: 1), bias: nil),
                    weights.count / layer.channels + 1
                )
            case .weightGradient:
                (
                    try kernels.convolutionWeightGradient(
                        dy, input: x, window: window, groups: 1),
                    rounding.someTaps(x, outputGradient: dy, weightsShape: weights.shape),
                    dy.count / layer.filters + 1
                )
            }
        let numbers = found.doubles
        let errors = some.map { numbers[$0.place] - $0.result.value }
        let largest = try #require(errors.map(abs).max())
        let plane = found.shape[2] * found.shape[3]
        let (spoilt, error) = try #require(
            zip(some, errors).filter { $0.0.place >= found.count - plane }
                .max { $0.0.result.magnitude < $1.0.result.magnitude })
        let room = probableGamma(terms) * spoilt.result.magnitude
        let fault = min(20 * largest, 0.9 * room - abs(error))
        // Far from rounding.
        #expect(fault > 10 * largest, "\(fault / largest) times")
        return SpoiltConvolutions.Fault(
            pass: pass, place: spoilt.place, error: error < 0 ? -fault : fault)
    }

    @Test(arguments: layers.indices, InstructionSet.supported)
    func rightKernelsPass(_ index: Int, _ set: InstructionSet) throws {
        let check = try Self.check(Self.layers[index], set, nil)
        #expect(check.passed, "\(check.maxError) of \(check.errorBound)")
        // A number of Winograd's is closest to its bound, and no further from it than four times.
        #expect(check.maxError > 0.25 * check.errorBound)
    }

    @Test(
        arguments: layers.indices.flatMap { index in
            ConvolutionPass.allCases.map { (index, $0) }
        }, InstructionSet.supported)
    func anErrorWithinADirectSumsBoundFails(
        _ size: (index: Int, pass: ConvolutionPass), _ set: InstructionSet
    ) throws {
        let layer = Self.layers[size.index]
        #expect(try !Self.check(layer, set, Self.fault(layer, size.pass, set)).passed)
    }
}
