// SPDX-License-Identifier: MIT
//
// Whole networks: a training step, the prediction of a batch, the prediction of one image. The
// reference works on some of the images.

import ConvNet

enum NetworkCases {
    private static let batchSize = 100

    static var all: [BenchmarkCase] {
        let forward = Double(forwardProducts)
        return [
            BenchmarkCase(
                name: "train.SimpleConvNet",
                // Forward, filters' and inputs' gradients; the first layer's input has none.
                work: .operations(
                    2 * Double(batchSize) * (3 * forward - Double(convolutionProducts)))
            ) { try train($0) },
            BenchmarkCase(
                name: "predict.SimpleConvNet", work: .operations(2 * Double(batchSize) * forward)
            ) { try predict(batchSize, $0) },
            BenchmarkCase(name: "predict1.SimpleConvNet", work: .operations(2 * forward)) {
                try predict(1, $0)
            },
        ]
    }

    /// Multiply-adds for one image: 30 filters of 5×5 on 24×24 places, 4,320×100, 100×10.
    private static let convolutionProducts = 24 * 24 * 30 * 25
    private static let forwardProducts = convolutionProducts + 4320 * 100 + 100 * 10

    /// The sums' lengths along the longest path from an image to a logit, with their biases.
    private static let pathLength = 25 + 4320 + 100 + 3

    private static func network(_ kernels: any Kernels) throws -> SimpleConvNet {
        try SimpleConvNet(seed: 1, initialization: .he, kernels: kernels)
    }

    private static func images(_ count: Int) throws -> Tensor {
        try Inputs.tensor([count, 1, 28, 28], seed: 1)
    }

    private static func predict(_ count: Int, _ run: Run) throws -> PreparedCase {
        let x = try images(count)
        let (native, reference) = (try network(run.kernels), try network(run.reference))
        let places = Inputs.spread(run.referenceBudget / forwardProducts, of: count)
        let part = try x.samples(at: places)
        return PreparedCase(
            native: { _ = try native.predict(x) },
            reference: { _ = try reference.predict(part) },
            referenceShare: Double(places.count) / Double(count),
            check: {
                var check = Check()
                // With absolute values in place of images and parameters, a logit is the sum of all
                // paths' magnitudes. ReLU and max pooling enlarge no error, so errors grow with
                // the lengths of the sums alone.
                var magnitudes = reference.network
                magnitudes = try magnitudes.converted(to: .float64, kernels: run.reference)
                try magnitudes.makeParametersPositive()
                check.compare(
                    try native.predict(x).samples(at: places).doubles,
                    try reference.predict(part).doubles,
                    bounds: try magnitudes.predict(part.magnitudes()).doubles.lazy.map {
                        $0 * gamma(2 * pathLength)
                    })
                return check
            })
    }

    private static func train(_ run: Run) throws -> PreparedCase {
        let x = try images(batchSize)
        let labels = (0..<batchSize).map { $0 % 10 }
        let batch = try Batch(images: x, labels: labels)
        let model = Box(try network(run.kernels).network)
        let optimizer = Box<any Optimizer>(try Adam())
        let places = Inputs.spread(
            run.referenceBudget / (3 * forwardProducts), of: batchSize)
        let part = try x.samples(at: places)
        let partLabels = places.map { labels[$0] }
        let reference = try network(run.reference)
        return PreparedCase(
            native: { _ = try model.value.trainStep(batch, with: &optimizer.value) },
            reference: { _ = try reference.gradient(part, labels: partLabels) },
            referenceShare: Double(places.count) / Double(batchSize),
            check: {
                var check = Check()
                let gradients = try network(run.kernels).gradient(part, labels: partLabels)
                let expected = try network(run.reference).gradient(part, labels: partLabels)
                // A gradient's elements are sums over paths forth and back, as long as both and, for
                // filters, the number of places; cancellation is judged by its largest element.
                let length = 2 * pathLength + places.count * 24 * 24
                for ((_, gradient), (_, wanted)) in zip(gradients, expected) {
                    let largest = wanted.doubles.map(abs).reduce(0, max)
                    check.compare(
                        gradient.doubles, wanted.doubles,
                        bounds: repeatElement(largest * gamma(length), count: wanted.count))
                }
                return check
            })
    }
}

extension Network {
    /// Replaces each parameter by its absolute value.
    fileprivate mutating func makeParametersPositive() throws {
        let positive = try parameters.map { try $0.value.magnitudes() }
        try replaceParameters(positive)
    }
}
