// SPDX-License-Identifier: MIT
//
// convnet profile: where the time of a prediction goes.

import ConvNet
import ConvNetOptions
import Foundation

enum ProfileCommand: Command {
    static let name = "profile"
    static let summary = "Times each step of a network's prediction."
    static let operands = "FILE"
    static let example = "convnet profile model.onnx --batch-size 8 --threads 1"
    static let options =
        Networks.fileOptions + [
            Option("batch-size", "N", "Samples in a prediction; 1."),
            Option("runs", "N", "How often to run it; the shortest times count; 5."),
            .threads,
            Option("json", "Report as JSON."),
        ]

    fileprivate struct Report: Encodable {
        struct Step: Encodable {
            let layers: [String]
            let type: String
            let output_shape: [Int]
            let seconds: Double
            let share: Double
            let gflops: Double
            let share_of_peak: Double
            let algorithm: String?
        }
        let file: String
        let threads: Int
        let seconds: Double
        let peak_gflops: Double
        let steps: [Step]
    }

    static func run(_ options: Options) throws {
        let kernels = try options.nativeKernels()
        let batchSize = try options.int("batch-size") ?? 1
        let runs = try options.int("runs") ?? 5
        let (network, name) = try network(options, kernels)
        let inputs = Dictionary(
            try network.graph.inputs.map {
                ($0.name, try Tensor(zeros: [batchSize] + $0.shape))
            }
        ) { first, _ in first }
        let profile = try network.profile(inputs, runs: runs) { input, weights, descriptor in
            try? kernels.convolutionAlgorithm(
                inputShape: input, weightsShape: weights, window: descriptor.window,
                groups: descriptor.groups
            ).rawValue
        }
        let report = Report(
            profile, file: name, threads: kernels.threads, peak: try Self.peak(kernels))
        if options.has("json") { return try CommandLineTool.printJSON(report) }
        print(report.table)
    }

    /// The network that a file holds, or that `--network` names.
    private static func network(
        _ options: Options, _ kernels: NativeKernels
    ) throws -> (Network, String) {
        if let file = try ModelFile.optionalFile(options) {
            return (try Networks.load(file, options).network, file.lastPathComponent)
        }
        let name = try Networks.name(options)
        let network = try Networks.make(
            options, seed: 1, initialization: nil, kernels: kernels)
        return (network.network, name)
    }

    /// What a product of matrices that fit the caches reaches here, in operations a second.
    private static func peak(_ kernels: NativeKernels) throws -> Double {
        let side = 512
        let a = try Tensor(zeros: [side, side])
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<8 {
            let start = clock.now
            _ = try kernels.gemm(MatrixView(a), MatrixView(a))
            best = min(best, (clock.now - start) / .seconds(1))
        }
        return 2 * Double(side * side * side) / best
    }
}

extension ProfileCommand.Report {
    fileprivate init(_ profile: PredictionProfile, file: String, threads: Int, peak: Double) {
        self.file = file
        self.threads = threads
        seconds = profile.seconds
        peak_gflops = peak / 1e9
        steps = profile.steps.map {
            let rate = $0.seconds > 0 ? Double($0.operationCount) / $0.seconds : 0
            return Step(
                layers: $0.layers, type: $0.type, output_shape: $0.outputShape,
                seconds: $0.seconds,
                share: profile.seconds > 0 ? $0.seconds / profile.seconds : 0,
                gflops: rate / 1e9, share_of_peak: rate / peak, algorithm: $0.algorithm)
        }
    }

    /// A row per step.
    fileprivate var table: String {
        let cells =
            [["step", "output", "ms", "share", "GFLOP/s", "of peak", "algorithm"]]
            + steps.map { step in
                [
                    step.layers.joined(separator: " + "), "\(step.output_shape)",
                    format("%.3f", step.seconds * 1e3), format("%.1f %%", step.share * 100),
                    format("%.1f", step.gflops), format("%.0f %%", step.share_of_peak * 100),
                    step.algorithm ?? step.type,
                ]
            }
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            row.indices.map { column in
                let fill = String(repeating: " ", count: widths[column] - row[column].count)
                return (2...5).contains(column) ? fill + row[column] : row[column] + fill
            }.joined(separator: "  ")
        }.map { String($0.reversed().drop { $0 == " " }.reversed()) }
        return """
            \(lines.joined(separator: "\n"))
            \(file): \(format("%.3f", seconds * 1e3)) ms on \(threads) \
            \(threads == 1 ? "thread" : "threads"); the peak is what a product of 512 x 512 matrices \
            reaches, \(format("%.0f", peak_gflops)) GFLOP/s
            """
    }
}
