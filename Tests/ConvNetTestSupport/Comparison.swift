// SPDX-License-Identifier: MIT
//
// Comparing results with bounds that follow from the arithmetic, element by element.

public import ConvNetTensor
import Foundation

/// How far two tensors are apart, beside how far they may be.
public struct Comparison: CustomStringConvertible {
    /// Whether every difference is within its bound. NaN never is.
    public let isWithinBounds: Bool
    /// The worst element, for people.
    public let description: String

    /// Compares element by element: `|value - expected| ≤ bound`.
    public init(_ value: Tensor, _ expected: Tensor, bounds: [Double]) {
        guard value.shape == expected.shape, bounds.count == value.count else {
            isWithinBounds = false
            description = "shapes \(value.shape) and \(expected.shape) differ"
            return
        }
        var (within, worst, worstRatio) = (true, "no element", -1.0)
        for (place, (pair, bound)) in zip(zip(value.doubles, expected.doubles), bounds).enumerated()
        {
            let difference = abs(pair.0 - pair.1)
            let isWithin = difference <= bound
            let ratio = difference == 0 ? 0 : (isWithin ? difference / bound : .infinity)
            if !isWithin { within = false }
            if ratio > worstRatio {
                worstRatio = ratio
                worst = "[\(place)]: \(pair.0), expected \(pair.1) within \(bound)"
            }
        }
        isWithinBounds = within
        description = "\(value.shape)\(worst)"
    }
}

/// Float's unit roundoff, 2⁻²⁴: the largest relative error of one rounded operation.
public let unitRoundoff = 0x1p-24

/// γ_k = k·u / (1 − k·u): a chain of k rounded operations is off by at most this factor (Higham,
/// "Accuracy and stability of numerical algorithms", 2002, section 3.1).
public func gamma(_ k: Int) -> Double {
    let product = Double(k) * unitRoundoff
    return product / (1 - product)
}

extension Tensor {
    /// The same bits as another tensor, NaN and the sign of zero included.
    public func hasSameBits(as other: Tensor) -> Bool {
        // As bytes: a loop over numbers takes a hundred times as long without optimization.
        func bytes(_ tensor: Tensor) -> Data { tensor.scalars.withUnsafeBytes { Data($0) } }
        return shape == other.shape && bytes(self) == bytes(other)
    }

    /// The absolute value of each number, in `Double`.
    public func magnitudes() throws -> Tensor {
        try Tensor(shape: shape, doubles: doubles.map(abs))
    }
}
