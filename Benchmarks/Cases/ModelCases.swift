// SPDX-License-Identifier: MIT
//
// Networks of today: the prediction of one image and of eight, and training steps. Where a
// folder of ONNX files has a network, that is what predicts; else it is this library's, with
// drawn weights.

import ConvNet

enum ModelCases {
    static var all: [BenchmarkCase] { BenchmarkModel.all.flatMap(cases) }

    static func cases(of model: BenchmarkModel) -> [BenchmarkCase] {
        var cases = [1, 8].map { count in
            BenchmarkCase(
                name: "predict\(count).\(model.name)",
                sizes: "\(count) \(count == 1 ? "image" : "images"), \(model.imageSizes)",
                work: .operations(
                    2 * Double(count) * Double(model.products),
                    bytes: model.predictionBytes(count)),
                countsAllocations: true, needsFull: model.needsFull, model: model.name,
                needsModel: model.make == nil
            ) { try predict(model, count, $0) }
        }
        if let batch = model.trainingBatch, let make = model.make {
            cases.append(
                BenchmarkCase(
                    name: "train.\(model.name)", sizes: "1 step on \(batch), \(model.imageSizes)",
                    work: .operations(
                        6 * Double(batch) * Double(model.products),
                        bytes: model.trainingBytes(batch)),
                    countsAllocations: true, needsFull: true
                ) { try train(model, make($0.kernels), batch, $0) })
        }
        return cases
    }

    /// The files of a folder that have no name of ``BenchmarkModel/all``.
    static func others(in folder: ModelFolder) throws -> [BenchmarkCase] {
        let known = Set(BenchmarkModel.all.map(\.name))
        return try folder.names.filter { !known.contains($0) }.flatMap { name in
            let network = try folder.network(name, kernels: NativeKernels())
            let summary = try network.summary()
            let images = try folder.images(name)?.shape ?? summary.inputShape
            return cases(
                of: BenchmarkModel(
                    name: name, inputShape: Array(images.dropFirst()),
                    products: summary.operationCount / 2,
                    parameterCount: summary.parameterCount))
        }
    }

    private static func predict(
        _ model: BenchmarkModel, _ count: Int, _ run: Run
    ) throws -> PreparedCase {
        let folder = run.models.flatMap { $0.names.contains(model.name) ? $0 : nil }
        let network: Network
        if let folder {
            network = try folder.network(model.name, kernels: run.kernels)
        } else if let make = model.make {
            network = try make(run.kernels)
        } else {
            throw ONNXFileMissing(name: model.name)
        }
        let given = try folder?.images(model.name)
        let x =
            try given?.samples(at: (0..<count).map { $0 % (given?.shape[0] ?? 1) })
            ?? Inputs.tensor([count] + model.inputShape, seed: 1)
        let yardstick = try Yardstick(products: count * model.products)
        return PreparedCase(
            native: { _ = try network.predict(x) },
            reference: {
                try yardstick.run(run.reference)
                return {
                    // Filters are prepared in the second prediction; the timed ones find them so.
                    for _ in 1...2 { _ = try network.predict(x) }
                    let checked = checked(run, Inputs.spread(2, of: count))
                    var watched = network
                    watched.kernels = checked
                    let output = try watched.predict(x)
                    checked.log.check.compareExactly(
                        output.doubles, try network.predict(x).doubles)
                    if let given, let expected = try folder?.outputs(model.name) {
                        checked.log.check.compare(
                            try network.predict(given).doubles, with: expected.doubles)
                    }
                    return checked.log.check
                }
            },
            referenceShare: yardstick.share)
    }

    private static func train(
        _ model: BenchmarkModel, _ network: Network, _ count: Int, _ run: Run
    ) throws -> PreparedCase {
        let x = try Inputs.tensor([count] + model.inputShape, seed: 1)
        let output = try network.predict(x)
        let labels = (0..<output.count / output.shape[1]).map { $0 % output.shape[1] }
        let batch = try Batch(images: x, targets: .labels(labels))
        let trained = Box(network)
        // Small steps: a batch that is learned over and over stays in the range of usual numbers.
        let fresh = try Updater(Momentum(learningRate: 1e-5))
        let updater = Box(fresh)
        let yardstick = try Yardstick(products: 3 * count * model.products)
        return PreparedCase(
            native: { _ = try trained.value.trainStep(on: batch, with: &updater.value) },
            reference: {
                try yardstick.run(run.reference)
                return {
                    let checked = checked(run, Inputs.spread(2, of: count))
                    var watched = network
                    watched.kernels = checked
                    var updater = fresh
                    _ = try watched.step(on: batch, with: &updater)
                    return checked.log.check
                }
            },
            referenceShare: yardstick.share)
    }

    /// Kernels that check each call; with so many calls, each has a small share of the budget.
    private static func checked(_ run: Run, _ places: [Int]) -> CheckedKernels {
        CheckedKernels(run, places: places, budget: run.referenceBudget / 64)
    }
}

/// A model that only a folder of files has.
private struct ONNXFileMissing: Error, CustomStringConvertible {
    let name: String
    var description: String { "\(name).onnx is missing, expected in the folder of --models" }
}

/// A convolution that the reference is timed by: a whole network would take it minutes.
private struct Yardstick {
    private let x: Tensor
    private let weights: Tensor
    /// The part of the network's work that it is.
    let share: Double

    init(products: Int) throws {
        x = try Inputs.tensor([1, 16, 14, 14], seed: 2)
        weights = try Inputs.tensor([16, 16, 3, 3], seed: 3)
        share = Double(14 * 14 * 9 * 16 * 16) / Double(products)
    }

    func run(_ reference: any Kernels) throws {
        _ = try reference.convolution(x, weights: weights, window: Window(3, padding: 1))
    }
}

extension Check {
    /// Compares the output of a whole network with another library's: each number within 1e-4 of
    /// the largest, the rounding of some fifty layers.
    fileprivate mutating func compare(_ found: [Double], with expected: [Double]) {
        let largest = expected.map(abs).reduce(0, max)
        compare(found, expected, bounds: Array(repeating: 1e-4 * largest, count: expected.count))
    }
}
