// SPDX-License-Identifier: MIT
//
// Filters as the C kernels read them, packed or transformed once for many predictions.

internal import CConvKernels
import ConvNetTensor

extension PreparedFilters {
    /// Fewer weights are packed at each call: that takes no longer than to ask here. Packing takes 0.1
    /// nanoseconds a weight on Zen 5 (0.4 by Winograd's way), and half a microsecond of waiting for
    /// one another where threads share it. Microseconds for one image of 14×14 on one thread and two,
    /// packed and kept: 8 -> 32 channels of 3×3 4.9 and 4.6, 3.8 and 3.3; 64 -> 64 64.6 and 60.9, 37.1
    /// and 34.3; 256 -> 256 of 7×7 555 and 504, 319 and 277.
    private static let fewestWeights = 1 << 9

    /// What is kept takes at most so many times the bytes of the weights. 3×3 filters that Winograd's
    /// way transforms take four times as many, rounded up; many groups of a filter or two, which fill
    /// whole vectors, would take 32.
    private static let mostTimesWeights = 5

    /// The filters as a convolution reads them, where they are worth keeping.
    func filters(
        of weights: Tensor, for conv: convk_conv2d, _ execution: convk_execution
    ) -> Tensor? {
        guard weights.count >= Self.fewestWeights else { return nil }
        var conv = conv
        guard convk_conv2d_prepare_size(&conv, execution) <= Self.mostTimesWeights * weights.count
        else { return nil }
        let way = convk_conv2d_way_of(&conv, execution)
        let layout = Layout(
            way: Int(way.rawValue), instructionSet: Int(execution.isa.rawValue),
            groups: conv.groups)
        return filters(of: weights, in: layout) {
            // Without memory for it, the prediction goes on as it would without this.
            try? NativeKernels.prepare(weights, for: conv, execution)
        }
    }
}

extension NativeKernels {
    fileprivate static func prepare(
        _ weights: Tensor, for conv: convk_conv2d, _ execution: convk_execution
    ) throws -> Tensor {
        var conv = conv
        let operation = "convolution"
        let floats = convk_conv2d_forward_workspace(&conv, execution)
        let size = convk_conv2d_prepare_size(&conv, execution)
        return try withWorkspace(floats: floats, operation: operation) { workspace in
            try makeTensor([size], operation: operation, from: weights) {
                convk_conv2d_prepare($0, $1, &conv, workspace, execution)
            }
        }
    }
}
