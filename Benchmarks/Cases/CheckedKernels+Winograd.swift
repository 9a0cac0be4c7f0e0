// SPDX-License-Identifier: MIT
//
// Checks by their own numbers of convolutions that kernels may compute by Winograd's way. Its error
// depends on all pixels of a tile, and is bounded by following each rounding (WinogradRounding), which
// takes much longer than the result itself: some planes are checked, of the first and the last image
// among those that the reference gets. Whole numbers check them all.

import ConvNet
import ConvNetReference

extension CheckedKernels {
    /// The error of Winograd's way where kernels may take it, by the sizes that it pays for at least.
    func winograd(
        _ weightsShape: [Int], _ window: Window, _ groups: Int
    ) -> WinogradRounding? {
        let (kernel, padding) = (window.size.height, window.padding.top)
        guard
            window
                == (try? Window(kernel, stride: 1, padding: padding, dilation: 1)),
            kernel == 3 || kernel == 5, padding < kernel, weightsShape[1] >= 48,
            weightsShape[0] / groups >= 48
        else { return nil }
        return WinogradRounding(kernel: kernel, groups: groups, padding: padding)
    }

    /// Compares some planes of a convolution's output, or of its pooled output.
    func comparePlanes(
        _ found: Tensor, _ x: Tensor, _ weights: Tensor, _ bias: Tensor?,
        _ rounding: WinogradRounding, terms: Int, pooling: Window? = nil, rectified: Bool = false
    ) throws {
        let filters = weights.shape[0], tiles = rounding.tileCount(x) / x.shape[0]
        let (height, width) = rounding.outputSize(x)
        let factor = probableGamma(terms)
        for (image, filter) in [(places[0], 0), (places[places.count - 1], filters - 1)] {
            let first = (image * filters + filter) * height * width
            var values = [Double](repeating: 0, count: height * width)
            var bounds = values
            for tile in image * tiles..<(image + 1) * tiles {
                for (place, result) in rounding.outputs(
                    x, weights, bias: bias, filter: filter, tile: tile)
                {
                    values[place - first] = result.value
                    bounds[place - first] = max(result.bound, factor * result.magnitude)
                }
            }
            if let pooling {
                // Maxima lie no further apart than what lies furthest apart in a window.
                func pooled(_ numbers: [Double]) throws -> [Double] {
                    try reference.maxPooling(
                        Tensor(shape: [1, 1, height, width], doubles: numbers), window: pooling
                    ).doubles
                }
                (values, bounds) = (try pooled(values), try pooled(bounds))
            }
            let plane = try found.samples(at: [image]).channels(at: [filter]).doubles
            log.check.compare(
                plane, rectified ? values.map { max($0, 0) } : values, bounds: bounds)
        }
    }

    /// Compares the gradients of some filters' taps.
    func compareTaps(
        _ found: Tensor, _ x: Tensor, outputGradient: Tensor, _ rounding: WinogradRounding
    ) throws {
        let (filters, channels) = (found.shape[0], found.shape[1])
        let (numbers, tiles) = (found.doubles, rounding.tileCount(x))
        let factor = probableGamma(outputGradient.count / outputGradient.shape[1])
        for (filter, channel) in [(0, 0), (filters - 1, channels - 1)] {
            let taps = rounding.taps(
                x, outputGradient: outputGradient, filter: filter, channel: channel, depth: tiles)
            log.check.compare(
                taps.map { numbers[$0.place] }, taps.map(\.result.value),
                bounds: taps.map { max($0.result.bound, factor * $0.result.magnitude) })
        }
    }
}
