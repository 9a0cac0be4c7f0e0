// SPDX-License-Identifier: MIT
//
// The test that your own package would have: the network is as fast as when its baseline was
// written. A baseline belongs to a kind of machine; where there is none, one is written.

import ConvNet
import Foundation
import SpeedGuard
import Testing

@Suite(.serialized) struct NetworkSpeedTests {
    /// The network that is watched. FILTERS is there to try the test: with 120 of them it must fail
    /// against a baseline of the usual 30.
    private static func network() throws -> SimpleConvNet {
        let filters = ProcessInfo.processInfo.environment["FILTERS"].flatMap(Int.init) ?? 30
        return try SimpleConvNet(seed: 1, filters: filters)
    }

    @Test func predictionIsAsFastAsItWas() throws {
        let environment = ProcessInfo.processInfo.environment
        let file = URL(fileURLWithPath: environment["SPEED_BASELINE"] ?? "speed-baseline.json")
        // One thread: several would wait for each other where other programs want processors too.
        let kernels = try NativeKernels(threads: 1)
        var network = try Self.network()
        network.kernels = kernels
        let x = try Tensor(
            shape: [100, 1, 28, 28], scalars: (0..<78_400).map { Float($0 % 255) / 255 })

        let today = try SpeedSamples(on: kernels) { _ = try network.predict(x) }
        guard let baseline = try SpeedSamples(contentsOf: file) else {
            try today.write(to: file)
            print("wrote \(file.path): a batch takes \(today.median) products' time")
            return
        }
        // A machine that others use at the same time needs more than the usual 15 per cent.
        let tolerance = environment["SPEED_TOLERANCE"].flatMap(Double.init) ?? 0.15
        // One false alarm in 10,000 runs.
        let chance = today.chanceOfBeingNoSlower(than: baseline, tolerance: tolerance)
        #expect(
            chance >= 1e-4,
            "a batch takes \(today.median) products' time, it was \(baseline.median); p = \(chance)"
        )
    }
}
