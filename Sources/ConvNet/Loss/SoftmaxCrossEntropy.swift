// SPDX-License-Identifier: MIT
//
// Softmax and cross-entropy in one, "Deep Learning from Scratch", section 5.6.3, with PyTorch's
// extensions (https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html).

/// Softmax followed by cross-entropy: `−Σ t[k] · log softmax(x)[k]`, the mean over a
/// batch, in nats.
///
/// The output is `[N, K]`, or `[N, K, H, W]` where each pixel is a sample of its own. Targets are
/// labels, one per sample (N·H·W of them, row by row, for images), or rows of probabilities of the
/// output's shape.
///
/// With class weights w, the mean is weighted: `Σ w[y]·loss / Σ w[y]`, as in PyTorch. With label
/// smoothing ε, a label stands for the probabilities `(1 − ε)·onehot + ε/K`. Samples with the
/// ignored label count for nothing, neither in the sum nor in the mean; where all are ignored, the
/// loss is NaN, as in PyTorch.
public struct SoftmaxCrossEntropy: Loss {
    /// The share of a label's probability that all classes get alike, from 0 to below 1.
    public let labelSmoothing: Double
    /// How much each class counts, K of them; nil for all alike.
    public let classWeights: [Double]?
    /// The label of samples that don't count; nil for none.
    public let ignoredLabel: Int?

    /// The loss of a classifier.
    ///
    /// - Parameters:
    ///   - labelSmoothing: the share of a label's probability that all classes get alike.
    ///   - classWeights: how much each class counts; nil for all alike.
    ///   - ignoredLabel: the label of samples that don't count, such as −1 or 255; nil for none.
    /// - Throws: ``TensorError`` when the smoothing is not from 0 to below 1, or a weight is
    ///   negative or not finite.
    public init(
        labelSmoothing: Double = 0, classWeights: [Double]? = nil, ignoredLabel: Int? = nil
    ) throws(TensorError) {
        guard (0..<1).contains(labelSmoothing) else {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "labelSmoothing",
                value: "\(labelSmoothing)", expected: "at least 0 and below 1")
        }
        if let weight = classWeights?.first(where: { !($0 >= 0 && $0.isFinite) }) {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "classWeights", value: "\(weight)",
                expected: "finite numbers of at least 0")
        }
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
        self.ignoredLabel = ignoredLabel
    }

    private init() { (labelSmoothing, classWeights, ignoredLabel) = (0, nil, nil) }

    /// The loss without extensions.
    public static let standard = SoftmaxCrossEntropy()

    /// What differs from the loss without extensions.
    public var configuration: [String: String] {
        var configuration: [String: String] = [:]
        if labelSmoothing != 0 { configuration["labelSmoothing"] = "\(labelSmoothing)" }
        if let classWeights { configuration["classWeights"] = "\(classWeights)" }
        if let ignoredLabel { configuration["ignoredLabel"] = "\(ignoredLabel)" }
        return configuration
    }

    /// The mean loss of a batch, and its gradient.
    public func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        guard output.shape.count == 2 || output.shape.count == 4 else {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "output", value: "\(output.shape)",
                expected: "[N, K] or [N, K, H, W]")
        }
        guard output.shape.count == 2 else {
            return try evaluatePixels(of: output, targets, on: kernels)
        }
        if case .labels(let labels) = targets {
            return try evaluate(output, labels: labels, on: kernels)
        }
        let rows = try targets.values(like: output, operation: "SoftmaxCrossEntropy")
        guard labelSmoothing == 0, classWeights == nil, ignoredLabel == nil else {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "targets", value: "values",
                expected: "labels, where there is smoothing, class weights or an ignored label")
        }
        return try kernels.softmaxCrossEntropy(output, targets: rows)
    }

    private func evaluate(
        _ logits: Tensor, labels: [Int], on kernels: any Kernels
    ) throws -> LossAndGradient {
        guard labelSmoothing > 0 || classWeights != nil || ignoredLabel != nil else {
            return try kernels.softmaxCrossEntropy(logits, labels: labels)
        }
        let classes = logits.shape[1]
        if let classWeights, classWeights.count != classes {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "classWeights.count",
                value: "\(classWeights.count)", expected: "\(classes), one per class")
        }
        try check(labels, rows: logits.shape[0], classes: classes)
        let weights = classWeights ?? Array(repeating: 1, count: classes)
        var total = 0.0
        for label in labels where label != ignoredLabel { total += weights[label] }
        guard total > 0 else { return try LossAndGradient.notANumber(like: logits) }
        // Rows that don't add up to 1: the kernels weight a row's gradient by its sum.
        let scale = Double(labels.count) / total
        var rows: [Double] = []
        rows.reserveCapacity(logits.count)
        for label in labels {
            for index in 0..<classes {
                guard label != ignoredLabel else {
                    rows.append(0)
                    continue
                }
                let one = index == label ? (1 - labelSmoothing) * weights[label] : 0
                rows.append(scale * (one + labelSmoothing / Double(classes) * weights[index]))
            }
        }
        let targets = try Tensor(shape: logits.shape, doubles: rows)
            .converted(to: logits.scalarType)
        return try kernels.softmaxCrossEntropy(logits, targets: targets)
    }

    private func check(_ labels: [Int], rows: Int, classes: Int) throws(TensorError) {
        guard labels.count == rows else {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "labels.count",
                value: "\(labels.count)", expected: "\(rows), one per sample")
        }
        for label in labels where label != ignoredLabel && !(0..<classes).contains(label) {
            throw TensorError(
                operation: "SoftmaxCrossEntropy", argument: "labels", value: "\(label)",
                expected: "from 0 to \(classes - 1)")
        }
    }

    /// Each pixel is a sample: planes become rows of classes, and the gradient planes again.
    private func evaluatePixels(
        of output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        let shape = output.shape
        let pixels = shape[2] * shape[3]
        let rows = try output.pixelsAsRows()
        let result: LossAndGradient
        switch targets {
        case .labels: result = try evaluate(rows, targets, on: kernels)
        case .values:
            let values = try targets.values(like: output, operation: "SoftmaxCrossEntropy")
            result = try evaluate(rows, .values(values.pixelsAsRows()), on: kernels)
        }
        // The transpose of [N, H·W, K] as images of one row is the same function.
        let gradient = try result.gradient.reshaped(to: [shape[0], pixels, shape[1], 1])
            .pixelsAsRows().reshaped(to: shape)
        return LossAndGradient(loss: result.loss, gradient: gradient)
    }
}

extension LossAndGradient {
    /// What a mean over nothing is.
    fileprivate static func notANumber(like output: Tensor) throws -> LossAndGradient {
        LossAndGradient(
            loss: .nan,
            gradient: try Tensor(
                shape: output.shape, repeating: .nan, scalarType: output.scalarType))
    }
}
