// SPDX-License-Identifier: MIT
//
// NativeKernels: the fast implementation of `Kernels`. It checks arguments, opens the tensors and
// calls one C function; the work is done there.

internal import CConvKernels
@_exported public import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The kernels in C, parallelised with OpenMP, on the best instruction set of this CPU.
///
/// Takes tensors of `float32`. Results are the same bits at any number of threads; instruction
/// sets may differ in the last bits.
///
/// Nothing of a process is changed for others: neither its environment nor OpenMP's settings.
/// Threads that have nothing to do sleep after a millisecond, unless `KMP_BLOCKTIME` or
/// `OMP_WAIT_POLICY` says otherwise.
public struct NativeKernels: Kernels {
    /// `native`.
    public let name = "native"

    /// The instruction set in use.
    public let instructionSet: InstructionSet

    /// The most threads that one call uses.
    public private(set) var threads: Int

    /// Whether the kernels were built with OpenMP. Without it each call runs on the calling thread
    /// alone, whatever ``threads`` is, with the same results.
    public static var usesOpenMP: Bool { convk_uses_openmp() }

    /// Whether convolutions may take Winograd's algorithm, with a quarter (3×3 filters) or a third
    /// (5×5) of the multiplications.
    ///
    /// They do at stride 1 without dilation, from about 16 channels and filters on, where images
    /// are large enough. An output's error then depends on the numbers of a whole tile of 6×6
    /// pixels: where neighbouring pixels differ by orders of magnitude, small outputs lose digits,
    /// and NaN or infinity reaches the whole tile.
    public let winograd: Bool

    // A wrong environment is the user's mistake, and `init()` can't throw: every call does.
    private let environmentError: TensorError?

    /// The instruction set that `CONVNET_ISA` names, or the best one, on as many threads as the
    /// process may use: what `OMP_NUM_THREADS` says, or the processors that affinity and the
    /// control groups' quotas (a container's limit, rounded up) leave to it.
    ///
    /// Every operation throws when the variable names an instruction set that this CPU lacks, or
    /// when a variable of OpenMP's has a value that its runtime would end the process for: an empty
    /// `OMP_NUM_THREADS`, say.
    public init() {
        self.threads = ThreadCount.standard
        self.winograd = true
        do throws(TensorError) {
            let requested = getenv("CONVNET_ISA").map { String(cString: $0) }
            instructionSet = try InstructionSet.fromEnvironment(requested)
            environmentError = OpenMPEnvironment.error
        } catch {
            instructionSet = .portable
            environmentError = error
        }
    }

    /// Kernels for a given number of threads and instruction set.
    ///
    /// - Parameters:
    ///   - threads: the most threads that one call uses; all that the process may use when nil.
    ///   - instructionSet: that of ``init()`` when nil.
    ///   - winograd: whether convolutions may take Winograd's algorithm; see ``winograd``.
    /// - Throws: ``TensorError`` when there are not from 1 to 1024 threads, or this CPU lacks the
    ///   instruction set, or `CONVNET_ISA` names none that it has, or a variable of OpenMP's has a
    ///   value that its runtime would end the process for.
    public init(
        threads: Int? = nil, instructionSet: InstructionSet? = nil, winograd: Bool = true
    ) throws(TensorError) {
        let standard = NativeKernels()
        self.winograd = winograd
        self.threads = threads ?? standard.threads
        try KernelChecks.threads(self.threads, operation: "NativeKernels")
        if let error = OpenMPEnvironment.error { throw error }
        if let instructionSet {
            self.instructionSet = try InstructionSet.fromEnvironment(instructionSet.rawValue)
        } else if let error = standard.environmentError {
            throw error
        } else {
            self.instructionSet = standard.instructionSet
        }
        environmentError = nil
    }

    /// The same kernels on another number of threads; results are the same bits.
    ///
    /// - Throws: ``TensorError`` when there are not from 1 to 1024 threads.
    public func running(onThreads threads: Int) throws(TensorError) -> NativeKernels {
        try KernelChecks.threads(threads, operation: "running")
        var kernels = self
        kernels.threads = threads
        return kernels
    }

    /// How the C kernels are to run.
    ///
    /// - Throws: the error of a wrong environment.
    var execution: convk_execution {
        get throws(TensorError) {
            if let environmentError { throw environmentError }
            return convk_execution(
                isa: instructionSet.native, threads: Int32(threads), winograd: winograd)
        }
    }
}
