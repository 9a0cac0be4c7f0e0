// SPDX-License-Identifier: MIT
//
// Checks of convolutions that use Winograd's algorithm. Its error depends on all pixels of a tile
// and is bounded by following each rounding (WinogradRounding), which takes much longer than the
// result itself, so some places are checked. Shapes alone say which: the hash of a row does not
// depend on threads or on the time that there is.

import ConvNet
import ConvNetReference

/// Kernels that say which way a convolution goes.
protocol ChoosingKernels: Kernels {
    func convolutionAlgorithm(
        inputShape: [Int], weightsShape: [Int], window: Window, groups: Int, pass: ConvolutionPass
    ) throws(TensorError) -> ConvolutionAlgorithm
}

extension NativeKernels: ChoosingKernels {}

extension Kernels {
    /// The rounding of a convolution or of one of its gradients, if that uses Winograd's algorithm;
    /// nil if it goes another way. For the gradient with respect to the images it is that of the
    /// convolution that this gradient is.
    func winograd(
        inputShape: [Int], weightsShape: [Int], window: Window, groups: Int, pass: ConvolutionPass
    ) throws -> WinogradRounding? {
        guard
            try (self as? any ChoosingKernels)?.convolutionAlgorithm(
                inputShape: inputShape, weightsShape: weightsShape, window: window,
                groups: groups, pass: pass) == .winograd
        else { return nil }
        let (kernel, padding) = (window.size.height, window.padding.top)
        return WinogradRounding(
            kernel: kernel, groups: groups,
            padding: pass == .inputGradient ? kernel - 1 - padding : padding)
    }
}

extension WinogradRounding {
    /// The output of some tiles, each of one filter: the first tile of the first filter, the last
    /// one of the last filter, and some between them.
    func someOutputs(
        _ x: Tensor, _ weights: Tensor, bias: Tensor?
    ) -> [(place: Int, result: RoundedResult)] {
        let pairs = 16
        let (tiles, filters) = (tileCount(x), weights.shape[0])
        return (0..<pairs).flatMap { pair in
            outputs(
                x, weights, bias: bias, filter: pair * (filters - 1) / (pairs - 1),
                tile: pair * (tiles - 1) / (pairs - 1))
        }
    }

    /// The gradients of the taps of the first filter's first channel and the last filter's last
    /// one.
    func someTaps(
        _ x: Tensor, outputGradient: Tensor, weightsShape: [Int]
    ) -> [(place: Int, result: RoundedResult)] {
        [(0, 0), (weightsShape[0] - 1, weightsShape[1] - 1)].flatMap { filter, channel in
            taps(
                x, outputGradient: outputGradient, filter: filter, channel: channel,
                depth: tileCount(x))
        }
    }
}

extension Check {
    /// Compares numbers at some places of a tensor.
    mutating func compare(_ found: Tensor, _ some: [(place: Int, result: RoundedResult)]) {
        let numbers = found.doubles
        compare(
            some.map { numbers[$0.place] }, some.map(\.result.value),
            bounds: some.map(\.result.bound))
    }
}
