// SPDX-License-Identifier: MIT
//
// The option that both executables share: how many threads the kernels use.

import ConvNetKernels

extension Option {
    /// `--threads N`.
    package static let threads = Option(
        "threads", "N", "The most threads to use; as many as there are processors.")
}

extension Options {
    /// The native kernels on the threads that ``Option/threads`` asks for.
    ///
    /// - Parameter standardThreads: how many there are where it is not given; as many as there are
    ///   processors by default.
    /// - Throws: ``UsageError`` when the count can't be run or `CONVNET_ISA` names nothing here.
    package func nativeKernels(
        standardThreads: Int? = nil
    ) throws(UsageError) -> NativeKernels {
        let threads = try int("threads") ?? standardThreads
        do throws(TensorError) {
            return try NativeKernels(threads: threads)
        } catch {
            let name = error.argument == "threads" ? "--threads" : error.argument
            throw UsageError("\(name) is \(error.value), expected \(error.expected)")
        }
    }
}
