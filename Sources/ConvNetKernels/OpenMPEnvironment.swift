// SPDX-License-Identifier: MIT
//
// The environment variables that LLVM's OpenMP runtime dies of. It reads them at its first call,
// whatever the number of threads, and ends the process, or never returns, where a value makes no
// sense to it. A library can't remove a variable: other threads may be reading the environment. So
// every kernel throws instead of making that call.

import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What OpenMP's runtime reads from the environment, as far as a wrong value ends the process.
///
/// The list and its limits were found by running libomp 14, Debian 12's, with about 6,000 drawn
/// values of the 108 variables that it knows. Values that it warns of and goes on with are accepted
/// here too, except in the variables below: there a value has to be what the OpenMP specification
/// (5.2, chapter 21), or LLVM's documentation of the runtime, describes.
enum OpenMPEnvironment {
    /// What is wrong with the environment; nil where the runtime will start, or where there is
    /// none. Found out once, before the first kernel, as the runtime does.
    static let error: TensorError? =
        NativeKernels.usesOpenMP
        ? error { name in getenv(name).map { String(cString: $0) } } : nil

    /// What is wrong with the values that variables have.
    static func error(value: (_ variable: String) -> String?) -> TensorError? {
        for variable in variables {
            guard let text = value(variable.name) else { continue }
            let words = text.trimmingSpaces
            guard words.isEmpty ? !variable.diesOfBlank : variable.accepts(words) else {
                return TensorError(
                    operation: "NativeKernels", argument: variable.name,
                    value: text.isEmpty ? "empty" : "\"\(text.prefix(60))\"",
                    expected: variable.expected
                        + (words.isEmpty ? ", or the variable unset" : "")
                        + "; OpenMP's runtime would end the process")
            }
        }
        return nil
    }

    private struct Variable {
        let name: String
        let expected: String
        var diesOfBlank = false
        /// Whether the runtime survives a value, given without the space around it.
        let accepts: @Sendable (Substring) -> Bool
    }

    private static let variables: [Variable] =
        [
            Variable(
                name: "OMP_NUM_THREADS",
                expected: "whole numbers up to 65536, separated by commas", diesOfBlank: true
            ) { isList($0, of: 0...65536) },
            Variable(name: "KMP_GTID_MODE", expected: "2 or 3", diesOfBlank: true) {
                ["2", "3"].contains($0)
            },
            Variable(
                name: "KMP_FORCE_REDUCTION", expected: "critical, atomic or tree",
                diesOfBlank: true
            ) { ["critical", "atomic", "tree"].contains($0.lowercased()) },
            Variable(
                name: "KMP_CPUINFO_FILE", expected: "/proc/cpuinfo", diesOfBlank: true
            ) { $0 == "/proc/cpuinfo" },
            Variable(
                name: "KMP_HOT_TEAMS_MAX_LEVEL", expected: "a whole number up to 1000"
            ) { isList($0, of: 0...1000, count: 1...1) },
            Variable(
                name: "KMP_ALIGN_ALLOC", expected: "a power of two up to 16384"
            ) { Int($0).map { $0 > 0 && $0 <= 16384 && $0 & ($0 - 1) == 0 } ?? false },
            Variable(
                name: "OMP_TOOL_VERBOSE_INIT", expected: "disabled, stdout or stderr"
            ) { ["disabled", "stdout", "stderr"].contains($0.lowercased()) },
            Variable(
                name: "GOMP_CPU_AFFINITY",
                expected: "processors such as 0-3 or 0,2, with numbers below 2147483648"
            ) { isProcessorList($0) },
        ]
        + ["KMP_FORKJOIN_BARRIER", "KMP_PLAIN_BARRIER", "KMP_REDUCTION_BARRIER"].map {
            Variable(
                name: $0, expected: "one or two whole numbers from 1 to 31, separated by a comma",
                diesOfBlank: true
            ) { isList($0, of: 1...31, count: 1...2) }
        }
        + ["KMP_SPIN_BACKOFF_PARAMS", "KMP_ADAPTIVE_LOCK_PROPS"].map {
            Variable(name: $0, expected: "two numbers", diesOfBlank: true) { _ in true }
        }
        + ["OMP_STACKSIZE", "GOMP_STACKSIZE", "KMP_STACKSIZE", "KMP_STACKOFFSET"].map { name in
            // KMP_'s are in bytes where no unit stands behind the number, the others in KiB.
            let unit = name.hasPrefix("KMP_") ? 1 : 1024
            return Variable(
                name: name, expected: "a size up to 1G, such as 512K or 4M"
            ) { isSize($0, unit: unit, upTo: 1 << 30) }
        }
        + ["KMP_AFFINITY", "OMP_PLACES", "OMP_PROC_BIND"].map {
            Variable(name: $0, expected: "numbers below 2147483648") { value in
                value.split { !$0.isASCIIDigit }.allSatisfy { isNumber($0, in: 0...largest) }
            }
        }

    private static let largest = Int(Int32.max)

    /// Digits alone, not even a sign.
    private static func isNumber(_ text: Substring, in range: ClosedRange<Int>) -> Bool {
        text.allSatisfy(\.isASCIIDigit) && Int(text).map(range.contains) ?? false
    }

    private static func isList(
        _ text: Substring, of range: ClosedRange<Int>, count: ClosedRange<Int> = 1...Int.max
    ) -> Bool {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return count.contains(parts.count)
            && parts.allSatisfy { isNumber($0.trimmingSpaces, in: range) }
    }

    /// A whole number of bytes, KiB, MiB or GiB.
    private static func isSize(_ text: Substring, unit: Int, upTo most: Int) -> Bool {
        var (digits, unit) = (text, unit)
        if let last = text.last, !last.isASCIIDigit {
            guard let power = Array("bkmg").firstIndex(of: Character(last.lowercased())) else {
                return false
            }
            unit = 1 << (10 * power)
            digits = text.dropLast().trimmingSpaces
        }
        return isNumber(digits, in: 0...most / unit)
    }

    /// `first`, `first-last` or `first-last:stride`, separated by commas or spaces.
    private static func isProcessorList(_ text: Substring) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { group in
            let ranges = group.split(whereSeparator: \.isWhitespace)
            return !ranges.isEmpty
                && ranges.allSatisfy { range in
                    let parts = range.split(separator: ":", omittingEmptySubsequences: false)
                    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
                    return ends.count <= 2 && parts.count <= ends.count
                        && (ends + parts.dropFirst()).allSatisfy { isNumber($0, in: 0...largest) }
                }
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = self[startIndex...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
