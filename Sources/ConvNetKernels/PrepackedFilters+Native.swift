// SPDX-License-Identifier: MIT
//
// Filters as the C kernels read them, packed or transformed once for many predictions.

internal import CConvKernels
import ConvNetTensor

extension PrepackedFilters {
    /// Fewer weights are packed at each call: that takes no longer than to ask here. Packing takes
    /// 0.1 nanoseconds per weight on Zen 5 (0.4 by Winograd), and half a microsecond of waiting for
    /// one another where threads share it. Microseconds for one image of 14×14 on one thread and
    /// two, packed and kept: 8 -> 32 channels of 3×3 4.9 and 4.6, 3.8 and 3.3; 64 -> 64 64.6 and
    /// 60.9, 37.1 and 34.3; 256 -> 256 of 7×7 555 and 504, 319 and 277.
    private static let fewestWeights = 1 << 9

    /// What is kept takes at most so many times the bytes of the weights. 3×3 filters that
    /// Winograd's algorithm transforms take four times as many, rounded up; many groups of a filter
    /// or two, which fill whole vectors, would take 32.
    private static let mostTimesWeights = 5

    /// The filters as a convolution reads them, where they are worth keeping.
    func filters(of weights: Tensor, for plan: inout convk_conv2d_plan) -> Tensor? {
        guard weights.count >= Self.fewestWeights else { return nil }
        guard plan.prepacked_floats <= Self.mostTimesWeights * weights.count else { return nil }
        let layout = Layout(
            way: Int(bitPattern: plan.algorithm),
            instructionSet: Int(plan.execution.isa.rawValue), groups: plan.conv.groups)
        return filters(of: weights, in: layout) {
            // Without memory for it, the prediction goes on as it would without this.
            try? NativeKernels.prepare(weights, for: &plan)
        }
    }
}

extension PrepackedFilters {
    /// 1×1 filters as an expansion reads them, where they are worth keeping.
    func filters(
        of weights: Tensor, expandingIn conv: inout convk_conv2d, _ execution: convk_execution
    ) -> Tensor? {
        guard weights.count >= Self.fewestWeights else { return nil }
        // No algorithm has the address 0.
        let layout = Layout(way: 0, instructionSet: Int(execution.isa.rawValue), groups: 1)
        return filters(of: weights, in: layout) {
            let size = convk_conv2d_expanded_prepacked(&conv, execution)
            return try? NativeKernels.makeTensor([size], operation: "convolution", from: weights) {
                convk_conv2d_expanded_prepack($0, $1, &conv, execution)
            }
        }
    }
}

extension NativeKernels {
    fileprivate static func prepare(
        _ weights: Tensor, for plan: inout convk_conv2d_plan
    ) throws -> Tensor {
        let operation = "convolution"
        let size = plan.prepacked_floats
        return try withWorkspace(floats: plan.workspace_floats, operation: operation) { workspace in
            try makeTensor([size], operation: operation, from: weights) {
                convk_conv2d_prepack($0, $1, &plan, workspace)
            }
        }
    }
}
