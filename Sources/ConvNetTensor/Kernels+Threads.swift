// SPDX-License-Identifier: MIT
//
// How many threads kernels use: one, unless they say otherwise.

extension Kernels {
    /// 1.
    public var threads: Int { 1 }

    /// The kernels as they are.
    public func running(onThreads threads: Int) throws(TensorError) -> Self {
        try KernelChecks.threads(threads, operation: "running")
        return self
    }
}

extension KernelChecks {
    /// The most threads that a caller may ask for.
    package static let mostThreads = 1024

    /// Fails unless the number of threads is one that can be run.
    package static func threads(_ count: Int, operation: String) throws(TensorError) {
        guard (1...mostThreads).contains(count) else {
            throw TensorError(
                operation: operation, argument: "threads", value: "\(count)",
                expected: "from 1 to \(mostThreads)")
        }
    }
}
