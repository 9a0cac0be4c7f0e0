// SPDX-License-Identifier: MIT
//
// The width of the normal distribution that weights are drawn from.

/// How wide a layer's first weights are spread around 0.
///
/// "Deep Learning from Scratch", section 6.2; He et al., "Delving deep into rectifiers", 2015;
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010.
public enum Initialization: Sendable, Hashable {
    /// A given standard deviation.
    case standardDeviation(Double)
    /// √(2 / fan-in), for layers before a ReLU.
    case he
    /// √(2 / (fan-in + fan-out)), for layers before a sigmoid.
    case xavier

    /// The initialization that a name stands for: `he`, `xavier`, or a standard deviation.
    ///
    /// - Throws: ``TensorError`` when the text is none of them.
    public init(name: String) throws(TensorError) {
        switch name {
        case "he": self = .he
        case "xavier": self = .xavier
        default:
            guard let deviation = Double(name), deviation >= 0, deviation.isFinite else {
                throw TensorError(
                    operation: "Initialization", argument: "name", value: name,
                    expected: "he, xavier or a standard deviation of at least 0")
            }
            self = .standardDeviation(deviation)
        }
    }

    /// The standard deviation for a layer whose outputs see `fanIn` inputs and whose inputs reach
    /// `fanOut` outputs.
    public func standardDeviation(fanIn: Int, fanOut: Int) -> Double {
        switch self {
        case .standardDeviation(let deviation): deviation
        case .he: (2 / Double(fanIn)).squareRoot()
        case .xavier: (2 / (Double(fanIn) + Double(fanOut))).squareRoot()
        }
    }
}
