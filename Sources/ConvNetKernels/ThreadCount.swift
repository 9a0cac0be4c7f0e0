// SPDX-License-Identifier: MIT
//
// How many threads to use by default: as many as this process may run on.

internal import CConvKernels
import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

enum ThreadCount {
    /// `OMP_NUM_THREADS` where it is a number, or a list that starts with one; else the processors
    /// that affinity and the control groups' quotas leave to this process. Affinity is asked for
    /// each time, as a process may change it; quotas are read once. 1 where there is no OpenMP.
    static var standard: Int {
        if !NativeKernels.usesOpenMP { return 1 }
        if let count = requested(getenv("OMP_NUM_THREADS").map { String(cString: $0) }) {
            return count
        }
        let affinity = Int(convk_available_processors())
        return min(max(min(affinity, quota ?? affinity), 1), KernelChecks.mostThreads)
    }

    private static let quota = ProcessorQuota.processors()

    /// The threads of the outermost level that a value of `OMP_NUM_THREADS` asks for; nil where it
    /// makes no sense.
    static func requested(_ value: String?) -> Int? {
        guard let first = value?.split(separator: ",", omittingEmptySubsequences: false).first
        else { return nil }
        let digits = first.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
        guard let count = Int(digits), (1...KernelChecks.mostThreads).contains(count) else {
            return nil
        }
        return count
    }
}
