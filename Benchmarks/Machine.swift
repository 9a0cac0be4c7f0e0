// SPDX-License-Identifier: MIT
//
// What the machine is and what it could do at best, measured in the same run as everything else.

import ConvNet
import ConvNetOptions
import Foundation

/// The machine and its measured limits.
struct Machine: Sendable {
    let processor: String
    let instructionSet: String
    let productKernel: String
    let threads: Int
    /// As many as the system may use now.
    let processors: Int
    /// Bytes.
    let memory: UInt64
    /// Multiply-adds on registers alone, on all threads: floating-point operations a second.
    let peakOperations: Double
    /// Copying an array larger than the caches: bytes per second, counting both reads and writes.
    let bandwidth: Double
}

extension Machine {
    /// Measures the machine.
    init(_ kernels: NativeKernels) throws {
        processor = ProcessorName.current
        instructionSet = kernels.instructionSet.rawValue
        productKernel = kernels.instructionSet.productKernelName
        threads = kernels.threads
        processors = ProcessInfo.processInfo.activeProcessorCount
        memory = ProcessInfo.processInfo.physicalMemory
        peakOperations = try Self.measurePeak(kernels)
        bandwidth = try Self.measureBandwidth(kernels, megabytes: 128)
    }

    /// Seconds after which neither measurement goes on: nothing is shown before they end, and on a
    /// busy machine each takes many times as long.
    private static let patience = 1.0

    private static func measurePeak(_ kernels: NativeKernels) throws -> Double {
        var best = 0.0
        let begin = ContinuousClock.now
        // Many short runs: on a shared machine some of them are undisturbed, and the threads need
        // some tens of milliseconds to spread over the processors.
        for _ in 0..<300 where seconds(since: begin) < patience {
            let start = ContinuousClock.now
            let operations = try kernels.runPeak(iterations: 100_000)
            best = max(best, operations / seconds(since: start))
        }
        return best
    }

    private static func measureBandwidth(
        _ kernels: NativeKernels, megabytes: Int
    ) throws -> Double {
        let source = try Tensor(shape: [megabytes << 18], repeating: 1)
        var destination = try Tensor(zeros: [megabytes << 18])
        var best = 0.0
        let begin = ContinuousClock.now
        for round in 0..<8 where round < 2 || seconds(since: begin) < patience {
            let start = ContinuousClock.now
            try kernels.copy(source, to: &destination)
            best = max(best, 2 * Double(megabytes << 20) / seconds(since: start))
        }
        return best
    }
}

/// The seconds since a moment.
func seconds(since start: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - start) / .seconds(1)
}
