// SPDX-License-Identifier: MIT
//
// Functions of numbers that have no kernel of their own, on the kernels' threads.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Calls a body for blocks of `[0, count)`, which threads share; what it does for one block may
    /// not touch what it does for another one.
    ///
    /// - Parameters:
    ///   - count: how many turns there are.
    ///   - block: how many of them are worth a thread's waking.
    ///   - body: what is done for some of them.
    /// - Throws: the error of a wrong environment.
    package func forEachBlock(
        of count: Int, block: Int, _ body: (Range<Int>) -> Void
    ) throws(TensorError) {
        let execution = try execution
        guard count > block, threads > 1 else { return body(0..<count) }
        withoutActuallyEscaping(body) { body in
            var context = BlockBody(body: body)
            withUnsafeMutablePointer(to: &context) {
                convk_for_each_block(
                    count, block,
                    { context, begin, end in
                        context?.assumingMemoryBound(to: BlockBody.self).pointee.body(begin..<end)
                    }, $0, execution)
            }
        }
    }
}

/// A closure where C can point to it.
private struct BlockBody {
    let body: (Range<Int>) -> Void
}
