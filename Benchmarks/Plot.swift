// SPDX-License-Identifier: MIT
//
// The results as a picture: what of the machine's limits each case reaches, and its speed-ups.

import ConvNetPlots
import Foundation

enum Plot {
    /// The picture; nil where no case gives both its operations and its bytes.
    static func picture(_ results: [Result], _ machine: Machine) throws -> Picture? {
        let points = results.compactMap(point)
        guard !points.isEmpty else { return nil }
        let threads = machine.threads == 1 ? "1 thread" : "\(machine.threads) threads"
        return try Picture.benchmark(
            points,
            limits: MachineLimits(
                title: "\(machine.processor), \(machine.instructionSet), \(threads)",
                peak: machine.peakOperations, bandwidth: machine.bandwidth))
    }

    private static func point(_ result: Result) -> BenchmarkPoint? {
        let work: (operations: Double, bytes: Double)
        switch result.work {
        case .operations(let operations, let bytes):
            guard let bytes else { return nil }
            work = (operations, bytes)
        case .bytes(let bytes, let operations): work = (operations, bytes)
        }
        return BenchmarkPoint(
            name: result.name, family: family(of: result.name), seconds: result.best,
            operations: work.operations, bytes: work.bytes, speedup: result.speedup,
            peers: result.peers.mapValues { $0 / result.best })
    }

    /// `conv.forward+backward` of `conv.forward+backward.alex.conv1`: the words before the case's
    /// own.
    static func family(of name: String) -> String {
        let words = name.split(separator: ".")
        let twoWords: Set<Substring> = ["conv", "maxpool"]
        let count = words.first.map { twoWords.contains($0) } == true ? 2 : 1
        return words.prefix(count).joined(separator: ".")
    }
}
