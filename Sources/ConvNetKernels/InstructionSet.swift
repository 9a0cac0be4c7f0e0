// SPDX-License-Identifier: MIT
//
// The instruction sets that the native kernels are written for, and which of them this CPU has.

internal import CConvKernels
import ConvNetTensor

/// An instruction set that the native kernels are written for.
public enum InstructionSet: String, Sendable, Hashable, CaseIterable {
    /// What the compiler assumes of every CPU of this architecture.
    case portable
    /// 64-bit Arm with Advanced SIMD.
    case neon
    /// x86-64 with AVX2 and FMA.
    case avx2
    /// x86-64 with AVX-512 F, VL, BW and DQ.
    case avx512

    /// Whether this CPU and operating system run it.
    public var isSupported: Bool { convk_isa_supported(native) }

    /// The instruction sets that this CPU runs, from the plainest on.
    public static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

    /// The best instruction set that this CPU runs.
    public static var best: InstructionSet {
        allCases.first { $0.native == convk_best_isa() } ?? .portable
    }

    /// The name of the matrix product's micro-kernel, which shows its tile: `sgemm_14x32_avx512`.
    public var productKernelName: String { String(cString: convk_sgemm_kernel_name(native)) }

    var native: convk_isa {
        switch self {
        case .portable: CONVK_ISA_PORTABLE
        case .neon: CONVK_ISA_NEON
        case .avx2: CONVK_ISA_AVX2
        case .avx512: CONVK_ISA_AVX512
        }
    }

    /// The instruction set that the environment variable `CONVNET_ISA` asks for, or the best.
    ///
    /// - Throws: ``TensorError`` when the variable names none, or one that this CPU lacks.
    public static func fromEnvironment(
        _ requested: String?
    ) throws(TensorError) -> InstructionSet {
        guard let requested, !requested.isEmpty else { return best }
        guard let set = InstructionSet(rawValue: requested), set.isSupported else {
            throw TensorError(
                operation: "NativeKernels", argument: "CONVNET_ISA", value: requested,
                expected: "one of "
                    + supported.map(\.rawValue).joined(separator: ", ") + " on this CPU")
        }
        return set
    }
}
