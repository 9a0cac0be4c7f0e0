// SPDX-License-Identifier: MIT
//
// Whole networks: a training step, the prediction of a batch, the prediction of one image. The
// reference works on some of the images.

import ConvNet

enum NetworkCases {
    static var all: [BenchmarkCase] { BenchmarkNetwork.all.flatMap(cases) }

    private static func cases(of network: BenchmarkNetwork) -> [BenchmarkCase] {
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
                let expected = try reference.predict(part).doubles
                return {
                    var check = Check()
                    check.compare(
                        try native.predict(x).samples(at: places).doubles, expected,
                        bounds: try bounds(of: expected, network, reference, part))
                    return check
                }
            },
            referenceShare: Double(places.count) / Double(count))
    }

    /// How far logits may be off: errors grow with the lengths of the sums on the way.
    private static func bounds(
        of logits: [Double], _ network: BenchmarkNetwork, _ reference: Network, _ part: Tensor
    ) throws -> [Double] {
        let relative = gamma(2 * network.pathLength)
        guard network.isPiecewiseLinear else {
            // The sigmoid and normalization make errors no larger; cancellation is judged by the
            // largest logit.
            let largest = logits.map(abs).reduce(0, max)
            return logits.map { _ in largest * relative }
        }
        // With absolute values in place of images and parameters, a logit is the sum of all paths'
        // magnitudes. ReLU and max pooling enlarge no error.
        var magnitudes = try reference.converted(to: .float64, kernels: reference.kernels)
        try magnitudes.makeParametersPositive()
        return try magnitudes.predict(part.magnitudes()).doubles.map { $0 * relative }
    }

    private static func train(_ network: BenchmarkNetwork, _ run: Run) throws -> PreparedCase {
        let x = try network.images(network.batchSize)
        let labels = (0..<network.batchSize).map { $0 % 10 }
        let batch = try Batch(images: x, labels: labels)
        let (native, reference) = try networks(network, run)
        let model = Box(native)
        // Small steps: a batch that is learned over and over stays in the range of usual numbers.
        let optimizer = Box<any Optimizer>(try Adam(learningRate: 1e-5))
        let places = Inputs.spread(
            run.referenceBudget / (3 * network.products), of: network.batchSize)
        let part = try x.samples(at: places)
        let partLabels = places.map { labels[$0] }
        return PreparedCase(
            native: { _ = try model.value.trainStep(batch, with: &optimizer.value) },
            reference: {
                let expected = try reference.gradient(part, labels: partLabels)
                return {
                    var check = Check()
                    let gradients = try native.gradient(part, labels: partLabels)
                    // A gradient's elements are sums over paths forth and back, as long as both and,
                    // for filters, the number of places; cancellation is judged by its largest
                    // element.
                    let length = 2 * network.pathLength + places.count * network.firstPlaces
                    for ((_, gradient), (_, wanted)) in zip(gradients, expected) {
                        let largest = wanted.doubles.map(abs).reduce(0, max)
                        check.compare(
                            gradient.doubles, wanted.doubles,
                            bounds: repeatElement(largest * gamma(length), count: wanted.count))
                    }
                    return check
                }
            },
            referenceShare: Double(places.count) / Double(network.batchSize))
    }
}

extension Network {
    /// Replaces each parameter by its absolute value.
    fileprivate mutating func makeParametersPositive() throws {
        let positive = try parameters.map { try $0.value.magnitudes() }
        try replaceParameters(positive)
    }
}
