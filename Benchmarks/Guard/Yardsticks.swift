// SPDX-License-Identifier: MIT
//
// What the machine could do at best while samples were taken: multiply-adds on registers alone, and
// copies of arrays that no cache holds.

import ConvNet
import Foundation

struct Yardsticks {
    private let kernels: NativeKernels
    /// Iterations of the peak's loop that take about a millisecond.
    private let iterations: Int
    private let source: Tensor
    private var destination: Tensor
    /// Seconds for an operation and for a byte, a pair a sample.
    private var perOperation: [Double] = []
    private var perByte: [Double] = []

    /// Neighbouring samples, before and after, that count towards the yardsticks of one. A copy
    /// meets more or less traffic of other programs each time; the best of many changes slowly.
    private static let reach = 4
    /// The size of the largest cache. What fits into it moves as fast as the clock lets it.
    private static let cacheBytes = largestCache()

    init(_ kernels: NativeKernels) throws {
        self.kernels = kernels
        let trial = 100_000
        let start = ContinuousClock.now
        _ = try kernels.runPeak(iterations: trial)
        iterations = max(Int(Double(trial) * 1e-3 / Benchmarks.seconds(since: start)), 1000)
        let count = min(max(Self.cacheBytes, 64 << 20), 256 << 20) / 4
        source = try Tensor(shape: [count], repeating: 1)
        destination = try Tensor(zeros: [count])
    }

    var sampleCount: Int { perOperation.count }

    mutating func beginSample() {
        perOperation.append(.infinity)
        perByte.append(.infinity)
    }

    /// Runs both yardsticks for some seconds, the copy for most of them.
    mutating func measure(for duration: Double) throws {
        var operations = 1.0
        let peaks = try Stopwatch.runs(for: duration / 4) {
            operations = try kernels.runPeak(iterations: iterations)
        }
        let copies = try Stopwatch.runs(for: duration * 3 / 4) {
            try kernels.copy(source, to: &destination)
        }
        let last = sampleCount - 1
        perOperation[last] = min(perOperation[last], Stopwatch.typical(of: peaks) / operations)
        // Each number is read and written.
        perByte[last] = min(
            perByte[last], Stopwatch.typical(of: copies) / Double(8 * source.count))
    }

    /// The seconds that some work would have taken at best about the time of a sample.
    func seconds(for work: Work, at place: Int) -> Double {
        let near = max(place - Self.reach, 0)...min(place + Self.reach, sampleCount - 1)
        let operation = perOperation[near].min() ?? 1
        let byte = perByte[near].min() ?? 1
        // Other programs hold a part of the largest cache, which is shared.
        guard work.byteCount > Double(Self.cacheBytes / 4) else {
            // A byte then takes what it takes of the clock: as long as eight operations, say.
            return (work.operationCount + (work.isRatedInBytes ? 8 * work.byteCount : 0))
                * operation
        }
        return work.operationCount * operation + work.byteCount * byte
    }

    private static func largestCache() -> Int {
        let folder = "/sys/devices/system/cpu/cpu0/cache"
        let caches = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let sizes = caches.compactMap { name -> Int? in
            guard
                let text = try? String(contentsOfFile: "\(folder)/\(name)/size", encoding: .utf8)
            else { return nil }
            // Such as 32768K.
            return Int(text.prefix { $0.isNumber }).map { $0 << 10 }
        }
        return sizes.max() ?? 32 << 20
    }
}
