// SPDX-License-Identifier: MIT
//
// How many threads to use when nobody says: as many as this process may run on.

internal import CConvKernels
import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

enum ThreadCount {
    /// The most threads that a caller may ask for.
    static let largest = 1024

    /// `OMP_NUM_THREADS` where it is a number, else the CPUs that affinity and the control group's
    /// quota leave to this process.
    static let standard: Int = {
        if let text = getenv("OMP_NUM_THREADS"), let count = Int(String(cString: text)),
            (1...largest).contains(count)
        {
            return count
        }
        let affinity = Int(convk_available_processors())
        return min(max(min(affinity, quota ?? affinity), 1), largest)
    }()

    /// The CPUs that the control group's bandwidth quota amounts to, rounded up; nil without one.
    private static var quota: Int? {
        guard let file = fopen("/sys/fs/cgroup/cpu.max", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 64)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]),
            quota > 0, period > 0
        else { return nil }
        return max(Int((quota / period).rounded(.up)), 1)
    }

    /// Fails unless the count is one that can be run.
    static func check(_ threads: Int) throws(TensorError) {
        guard (1...largest).contains(threads) else {
            throw TensorError(
                operation: "NativeKernels", argument: "threads", value: "\(threads)",
                expected: "from 1 to \(largest)")
        }
    }
}
