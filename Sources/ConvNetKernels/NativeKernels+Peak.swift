// SPDX-License-Identifier: MIT
//
// What the machine could do at best, for the benchmark to hold figures against.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Runs multiply-adds on registers alone, on every thread at once.
    ///
    /// - Returns: the floating-point operations done by all threads together.
    package func runPeak(iterations: Int) throws -> Double {
        var result: Float = 0
        return convk_peak_flops(&result, iterations, try execution)
    }

    /// Copies one tensor's numbers to another of the same shape, the threads sharing the work.
    package func copy(_ source: Tensor, to destination: inout Tensor) throws {
        let execution = try execution
        try KernelChecks.require(
            destination, matches: source, operation: "copy", argument: "destination")
        try Self.requireFloat32(("source", source), operation: "copy")
        try destination.withMutablePointer(operation: "copy") { to in
            source.withPointer { convk_copy(to, $0, source.count, execution) }
        }
    }
}
