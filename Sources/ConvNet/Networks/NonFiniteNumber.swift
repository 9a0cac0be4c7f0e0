// SPDX-License-Identifier: MIT
//
// Networks with numbers that are none: what training that diverged leaves.

/// A number of a network that is NaN or infinite.
public struct NonFiniteNumber: Sendable, Hashable, CustomStringConvertible {
    /// The parameter or buffer, such as `W1`.
    public let name: String
    /// Where it stands there: an index for each axis, outermost first.
    public let indices: [Int]
    /// What it is: `NaN`, `inf` or `-inf`.
    public let value: String

    /// Such as `W1 is NaN at [0, 2]`.
    public var description: String {
        indices.isEmpty ? "\(name) is \(value)" : "\(name) is \(value) at \(indices)"
    }

    /// The first such number of a tensor; nil where there is none.
    package init?(in tensor: NamedTensor) {
        guard let place = tensor.value.firstNonFinite else { return nil }
        name = tensor.name
        indices = tensor.value.indices(ofPlace: place)
        value = Self.text(of: tensor.value.number(at: place))
    }

    /// NaN in one spelling, whatever its bits.
    static func text(of number: Double) -> String { number.isNaN ? "NaN" : "\(number)" }
}

extension Classifier {
    /// The first number among ``parameters`` and ``buffers`` that is NaN or infinite; nil where all
    /// are finite. A network that has one sees the same class in most images, or in all.
    public var firstNonFiniteNumber: NonFiniteNumber? {
        for tensor in parameters + buffers {
            // Quicker than looking at each. In `Double`, no squares of `Float`s add up to infinity.
            if let sum = try? kernels.sumOfSquares(tensor.value), sum.isFinite { continue }
            if let number = NonFiniteNumber(in: tensor) { return number }
        }
        return nil
    }
}
