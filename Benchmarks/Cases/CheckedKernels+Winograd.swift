// SPDX-License-Identifier: MIT
//
// Checks by their own numbers of a network's convolutions that use Winograd's algorithm: of whole
// planes, as a pooling may follow, of the first and the last image among those that the reference
// gets. Whole numbers check all planes.

import ConvNet
import ConvNetReference

extension CheckedKernels {
    /// Compares some planes of a convolution's output, or of its pooled output.
    func comparePlanes(
        _ found: Tensor, _ x: Tensor, _ weights: Tensor, _ bias: Tensor?,
        _ rounding: WinogradRounding, pooling: Window? = nil, rectified: Bool = false
    ) throws {
        let filters = weights.shape[0], tiles = rounding.tileCount(x) / x.shape[0]
        let (height, width) = rounding.outputSize(x)
        for (image, filter) in [(places[0], 0), (places[places.count - 1], filters - 1)] {
            let first = (image * filters + filter) * height * width
            var values = [Double](repeating: 0, count: height * width)
            var bounds = values
            for tile in image * tiles..<(image + 1) * tiles {
                for (place, result) in rounding.outputs(
                    x, weights, bias: bias, filter: filter, tile: tile)
                {
                    (values[place - first], bounds[place - first]) = (result.value, result.bound)
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
}
