// SPDX-License-Identifier: MIT
//
// What every classifying network can do, whether it was composed by hand or comes ready-made.

/// A network that sorts samples into classes.
public protocol Classifier: Sendable {
    /// The layers and what they run on.
    var network: Network { get set }
}

/// How many samples of a set were classified correctly.
public struct Accuracy: Sendable, Hashable, Codable {
    /// The samples whose largest logit was their label's.
    public let correct: Int
    /// All samples.
    public let total: Int

    /// So many of so many.
    public init(correct: Int, total: Int) {
        self.correct = correct
        self.total = total
    }

    /// The share of correct ones, from 0 to 1.
    public var fraction: Double { Double(correct) / Double(total) }
}

/// What a network makes of some samples.
public struct Evaluation: Sendable, Hashable {
    /// How many were classified correctly.
    public let accuracy: Accuracy
    /// Their mean cross-entropy, in nats.
    public let meanLoss: Double
}

extension Tensor {
    /// How many samples have their largest logit at their label: of images with a label per pixel,
    /// those that are right at every pixel. None where the targets are values.
    func count(ofTargetsWithLargest targets: Targets) throws -> Int {
        guard case .labels(let labels) = targets, let samples = shape.first, samples > 0 else {
            return 0
        }
        let rows = try shape.count == 4 && labels.count != samples ? pixelsAsRows() : self
        guard rows.shape.count == 2 else { return 0 }
        let places = try rows.argmaxOfRows()
        let perSample = places.count / samples
        return (0..<samples).count { sample in
            (sample * perSample..<(sample + 1) * perSample).allSatisfy {
                $0 < labels.count && places[$0] == labels[$0]
            }
        }
    }
}

/// A parameter, or its gradient, by name.
public typealias NamedTensor = (name: String, value: Tensor)

extension Classifier {
    /// What does the arithmetic.
    public var kernels: any Kernels {
        get { network.kernels }
        set { network.kernels = newValue }
    }

    /// The logits of a batch. Changes nothing; may be called from many threads at once.
    ///
    /// - Parameter x: samples `[N, C, H, W]`.
    /// - Returns: `[N, K]`.
    /// - Throws: ``TensorError`` when the samples have another shape than the network's input.
    public func predict(_ x: Tensor) throws -> Tensor {
        try network.predicted(x)
    }

    /// The logits of a batch on a given number of threads, to the same bits as on any other.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - threads: the most threads that this call uses.
    /// - Returns: `[N, K]`.
    /// - Throws: ``TensorError`` when the samples have another shape than the network's input, or
    ///   there are not from 1 to 1024 threads.
    public func predict(_ x: Tensor, threads: Int) throws -> Tensor {
        try KernelChecks.threads(threads, operation: "predict")
        var network = network
        network.kernels = try kernels.running(onThreads: threads)
        return try network.predicted(x)
    }

    /// The mean loss of a batch.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - labels: N classes, each from 0 to K − 1.
    ///   - loss: what is computed; cross-entropy, in nats, by default.
    /// - Throws: ``TensorError`` when a shape or label is wrong.
    public func loss(
        _ x: Tensor, labels: [Int], loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> Double {
        try loss.evaluate(predict(x), .labels(labels), on: kernels).loss
    }

    /// How many samples are classified correctly; all of them count, including a last,
    /// smaller batch.
    ///
    /// - Parameters:
    ///   - source: the samples.
    ///   - batchSize: how many are predicted at a time.
    /// - Throws: ``TensorError`` when the samples don't suit the network.
    public func accuracy(_ source: any BatchSource, batchSize: Int = 100) throws -> Accuracy {
        var correct = 0
        try forEachPrediction(of: source, batchSize: batchSize, operation: "accuracy") {
            correct += try $0.count(ofTargetsWithLargest: $1.targets)
        }
        return Accuracy(correct: correct, total: source.sampleCount)
    }

    /// How many samples are classified correctly, and their mean loss; every sample counts.
    ///
    /// - Parameters:
    ///   - source: the samples.
    ///   - batchSize: how many are predicted at a time.
    ///   - loss: what is averaged; cross-entropy, in nats, by default.
    /// - Throws: ``TensorError`` when the samples don't suit the network or a label is not
    ///   from 0 to K − 1.
    public func evaluation(
        _ source: any BatchSource, batchSize: Int = 100,
        loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> Evaluation {
        var (correct, lossSum) = (0, 0.0)
        try forEachPrediction(of: source, batchSize: batchSize, operation: "evaluation") {
            correct += try $0.count(ofTargetsWithLargest: $1.targets)
            let samples = $1.images.shape.first ?? 0
            lossSum += try loss.evaluate($0, $1.targets, on: kernels).loss * Double(samples)
        }
        let total = source.sampleCount
        return Evaluation(
            accuracy: Accuracy(correct: correct, total: total),
            meanLoss: lossSum / Double(max(total, 1)))
    }

    /// Predicts the samples of a source, batch after batch.
    ///
    /// - Parameter batches: which of the source's batches; all by default.
    func forEachPrediction(
        of source: any BatchSource, batchSize: Int, batches: Range<Int>? = nil, operation: String,
        _ body: (_ output: Tensor, _ batch: Batch) throws -> Void
    ) throws {
        guard batchSize >= 1 else {
            throw TensorError(
                operation: operation, argument: "batchSize", value: "\(batchSize)",
                expected: "at least 1")
        }
        let samples = source.sampleCount
        guard samples > 0 else { return }
        for number in batches ?? 0..<source.batchCount(size: batchSize) {
            let begin = number * batchSize
            let end = begin + min(batchSize, samples - begin)
            let batch = try source.batch(at: Array(begin..<end))
            try body(predict(batch.images), batch)
        }
    }

    /// The parameters by name, such as W1, b1, W2, b2.
    public var parameters: [NamedTensor] { network.parameters }

    /// What training changes beside the parameters, by name, such as running statistics: mean2,
    /// variance2, the number being that of the layer's parameters.
    public var buffers: [NamedTensor] { network.buffers }

    /// The gradient of the mean loss with respect to each parameter, by backpropagation; see
    /// ``gradients(_:labels:loss:)`` for the loss and the buffers as well.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - labels: N classes.
    /// - Returns: a gradient for each of ``parameters``, in the same order.
    /// - Throws: ``TensorError`` when a shape or label is wrong.
    public func gradient(_ x: Tensor, labels: [Int]) throws -> [NamedTensor] {
        try gradients(x, labels: labels).parameters
    }

    /// The gradient by central differences with step 10⁻⁴, for checking
    /// ``gradient(_:labels:)`` ("Deep Learning from Scratch", section 4.4). Two predictions
    /// per parameter: for small networks.
    ///
    /// Differences of `Float`s would drown in rounding, so a copy of the network computes in
    /// `float64`. It computes as the next training step would, so that layers which do something
    /// else in training are checked at that.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - labels: N classes.
    ///   - kernels: kernels that take `float64`, such as `ReferenceKernels`.
    /// - Returns: a gradient of `float64` for each of ``parameters``, in the same order.
    /// - Throws: ``TensorError`` when a shape or label is wrong or the kernels lack `float64`.
    public func numericalGradient(
        _ x: Tensor, labels: [Int], on kernels: any Kernels
    ) throws -> [NamedTensor] {
        let step = 1e-4
        let x = try x.converted(to: .float64)
        var copy = try network.converted(to: .float64, kernels: kernels)
        return try copy.parameters.enumerated().map { place, parameter in
            let (name, value) = parameter
            var numbers = value.doubles
            var gradient: [Double] = []
            for index in numbers.indices {
                let number = numbers[index]
                func loss(at shifted: Double) throws -> Double {
                    numbers[index] = shifted
                    let shifted = try Tensor(shape: value.shape, doubles: numbers)
                    try copy.updateParameters { $0[place] = shifted }
                    return try copy.trainingLoss(x, labels: labels)
                }
                let difference = try loss(at: number + step) - loss(at: number - step)
                gradient.append(difference / (2 * step))
                numbers[index] = number
            }
            try copy.updateParameters { $0[place] = value }
            return (name, try Tensor(shape: value.shape, doubles: gradient))
        }
    }
}
