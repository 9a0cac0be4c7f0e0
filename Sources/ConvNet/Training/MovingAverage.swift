// SPDX-License-Identifier: MIT
//
// Exponential moving averages of what training changes: late steps jump around a minimum, and their
// mean lies nearer to it (Polyak and Juditsky, "Acceleration of stochastic approximation by
// averaging", 1992).

/// That an exponential moving average of a network's parameters and buffers is kept in training.
///
/// After each step, each number of the average becomes `decay · average + (1 − decay) · number`.
/// The decay of step n, from 1, is at most `(1 + n) / (10 + n)`, so that the first steps are soon
/// forgotten (TensorFlow's ExponentialMovingAverage with num_updates).
public struct MovingAverage: Sendable, Hashable {
    /// How much of the average each step keeps.
    public let decay: Double

    /// An average.
    ///
    /// - Parameter decay: how much of it each step keeps, such as 0.999.
    /// - Throws: ``TensorError`` when the decay is not from 0 to below 1.
    public init(decay: Double = 0.999) throws(TensorError) {
        guard (0..<1).contains(decay) else {
            throw TensorError(
                operation: "MovingAverage", argument: "decay", value: "\(decay)",
                expected: "at least 0 and below 1")
        }
        self.decay = decay
    }

    /// How much of the average a step keeps.
    ///
    /// - Parameter step: its number, from 1.
    func decay(ofStep step: Int) -> Double {
        min(decay, (1 + Double(step)) / (10 + Double(step)))
    }
}

/// The average of a network's parameters and buffers.
struct AveragedTensors: Sendable {
    /// The averages by name, in the order of the network's parameters and then of its buffers.
    private(set) var tensors: [NamedTensor]

    /// What there is before the first step.
    init(of network: Network) { tensors = network.parameters + network.buffers }

    /// Averages of a checkpoint; names and shapes are the caller's care.
    init(_ tensors: [NamedTensor]) { self.tensors = tensors }

    /// Takes a step into account.
    ///
    /// - Throws: ``TensorError`` when the network is not the one of earlier steps.
    mutating func add(_ network: Network, decay: Double) throws {
        let current = network.parameters + network.buffers
        guard current.map(\.name) == tensors.map(\.name) else {
            throw TensorError(
                operation: "MovingAverage", argument: "network",
                value: "one with \(current.count) tensors",
                expected: "the network of earlier steps, with \(tensors.count)")
        }
        for place in tensors.indices {
            try tensors[place].value.moveTowards(current[place].value, by: 1 - decay)
        }
    }

    /// Puts the averages in the place of a network's parameters and buffers.
    func replaceTensors(of network: inout Network) throws {
        let count = network.parameters.count
        try network.replaceParameters(tensors.prefix(count).map(\.value))
        if tensors.count > count {
            try network.replaceBuffers(tensors.dropFirst(count).map(\.value))
        }
    }
}

extension Tensor {
    /// Moves all numbers by a share of their distance from another tensor's.
    fileprivate mutating func moveTowards(
        _ other: Tensor, by share: Double
    ) throws(TensorError) {
        try KernelChecks.require(
            other, matches: self, operation: "MovingAverage", argument: "parameter")
        // What never changes, as a frozen layer's, is not copied either.
        guard !sharesNumbers(with: other) else { return }
        try makeUnique(operation: "MovingAverage")
        switch scalarType {
        case .float32: move(towards: other, by: Float(share))
        case .float64: move(towards: other, by: share)
        }
    }

    private mutating func move<Scalar: TensorScalar>(towards other: Tensor, by share: Scalar) {
        other.withUnsafeScalars(of: Scalar.self) { goals in
            withUnsafeMutableScalars(of: Scalar.self) { numbers in
                for place in numbers.indices {
                    numbers[place] += share * (goals[place] - numbers[place])
                }
            }
        }
    }
}
