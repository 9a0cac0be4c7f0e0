// SPDX-License-Identifier: MIT
//
// Whole networks: a training step, the prediction of a batch, the prediction of one image. The
// reference works on some of the images.

import ConvNet

enum NetworkCases {
    static var all: [BenchmarkCase] { BenchmarkNetwork.all.flatMap(cases) }

    static func cases(of network: BenchmarkNetwork) -> [BenchmarkCase] {
        let (forward, count) = (Double(network.products), network.batchSize)
        return [
            BenchmarkCase(
                name: "train.\(network.name)",
                sizes: "1 step on \(count) images, \(network.imageSizes)",
                // Forward, filters' and inputs' gradients; the first layer's input has none.
                work: .operations(
                    2 * Double(count) * (3 * forward - Double(network.firstProducts)),
                    bytes: network.trainingBytes),
                countsAllocations: true, needsFull: network.batchesNeedFull
            ) { try train(network, $0) },
            BenchmarkCase(
                name: "predict.\(network.name)", sizes: "\(count) images, \(network.imageSizes)",
                work: .operations(
                    2 * Double(count) * forward, bytes: network.predictionBytes(count)),
                countsAllocations: true, needsFull: network.batchesNeedFull
            ) { try predict(network, count, $0) },
            BenchmarkCase(
                name: "predict1.\(network.name)", sizes: "1 image, \(network.imageSizes)",
                work: .operations(2 * forward, bytes: network.predictionBytes(1)),
                countsAllocations: true
            ) { try predict(network, 1, $0) },
        ]
    }

    /// The same network on both kernels; they share its parameters.
    private static func networks(
        _ network: BenchmarkNetwork, _ run: Run
    ) throws -> (native: Network, reference: Network) {
        let native = try network.make(run.kernels)
        var reference = native
        reference.kernels = run.reference
        return (native, reference)
    }

    private static func predict(
        _ network: BenchmarkNetwork, _ count: Int, _ run: Run
    ) throws -> PreparedCase {
        let x = try network.images(count)
        let (native, reference) = try networks(network, run)
        let places = Inputs.spread(run.referenceBudget / network.products, of: count)
        let part = try x.samples(at: places)
        return PreparedCase(
            native: { _ = try native.predict(x) },
            reference: {
                _ = try reference.predict(part)
                return {
                    // Filters are prepared in the second prediction; the timed ones find them so.
                    for _ in 1...2 { _ = try native.predict(x) }
                    let checked = CheckedKernels(run, places: places)
                    var watched = native
                    watched.kernels = checked
                    let logits = try watched.predict(x)
                    checked.log.check.compareExactly(
                        logits.doubles, try native.predict(x).doubles)
                    return checked.log.check
                }
            },
            referenceShare: Double(places.count) / Double(count))
    }

    private static func train(_ network: BenchmarkNetwork, _ run: Run) throws -> PreparedCase {
        let x = try network.images(network.batchSize)
        let labels = (0..<network.batchSize).map { $0 % 10 }
        let batch = try Batch(images: x, labels: labels)
        let (native, reference) = try networks(network, run)
        let model = Box(native)
        // Small steps: a batch that is learned over and over stays in the range of usual numbers.
        let fresh = try Updater(Adam(learningRate: 1e-5))
        let updater = Box(fresh)
        let places = Inputs.spread(
            run.referenceBudget / (3 * network.products), of: network.batchSize)
        let part = try x.samples(at: places)
        let partLabels = places.map { labels[$0] }
        return PreparedCase(
            native: { _ = try model.value.trainStep(on: batch, with: &updater.value) },
            reference: {
                _ = try reference.gradient(part, labels: partLabels)
                return {
                    let checked = CheckedKernels(run, places: places)
                    var watched = native
                    watched.kernels = checked
                    var updater = fresh
                    // Where the loss is not finite, that is what the check finds.
                    _ = try watched.step(on: batch, with: &updater)
                    return checked.log.check
                }
            },
            referenceShare: Double(places.count) / Double(network.batchSize))
    }
}
