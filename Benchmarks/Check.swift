// SPDX-License-Identifier: MIT
//
// Whether results are right: the largest error beside its bound, element by element.

import ConvNet
import Foundation

/// The worst error that was found, and what it may be.
struct Check {
    /// The error that came closest to its bound, or went beyond.
    private(set) var maxError = 0.0
    /// That element's bound.
    private(set) var errorBound = 0.0
    /// Whether every error was within its bound. NaN never is.
    private(set) var passed = true
    private var worstRatio = -1.0
    /// Of all numbers that were compared.
    private(set) var hash = ContentHash()

    /// Compares numbers: `|value - expected| ≤ bound` for each.
    mutating func compare(_ values: [Double], _ expected: [Double], bounds: [Double]) {
        // Arrays: any sequence would be gone through without being specialized in debug builds.
        guard values.count == expected.count, bounds.count == values.count else {
            return fail()
        }
        for value in values { hash.add(value.bitPattern) }
        for place in values.indices {
            let (value, wanted, bound) = (values[place], expected[place], bounds[place])
            let error = value == wanted ? 0 : abs(value - wanted)
            let isWithin = error <= bound
            let ratio = error == 0 ? 0 : isWithin ? error / bound : .infinity
            if !isWithin { passed = false }
            // Of elements without error, the row shows the largest bound.
            if ratio > worstRatio || (ratio == worstRatio && ratio == 0 && bound > errorBound) {
                (worstRatio, maxError, errorBound) = (ratio, error, bound)
            }
        }
    }

    /// Fails: what came out has not the form of what was expected.
    mutating func fail() {
        passed = false
        (worstRatio, maxError, errorBound) = (.infinity, .infinity, 0)
    }

    /// Compares numbers that must be equal.
    mutating func compareExactly(_ values: [Double], _ expected: [Double]) {
        compare(values, expected, bounds: Array(repeating: 0, count: values.count))
    }
}

/// Float's unit roundoff: the largest relative error of one rounded operation.
let unitRoundoff = 0x1p-24

/// γ_k = k·u / (1 − k·u) with Float's unit roundoff u = 2⁻²⁴: a chain of k rounded operations is
/// off by at most this factor (Higham, "Accuracy and stability of numerical algorithms", 2002).
func gamma(_ k: Int) -> Double {
    let product = Double(k) * 0x1p-24
    return product / (1 - product)
}

/// What γ_k is with a probability of at least 1 − 2·exp(−λ²/2), λ = 7: exp(λ√k·u + k·u²) − 1
/// (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019). Rounding
/// errors have either sign, so that k of them add up to √k rather than to k, if they are taken to
/// be independent of one another. A number that is right is beyond that less than once in 10¹⁰; no
/// more than γ_k.
func probableGamma(_ k: Int) -> Double {
    let sum = 7 * Double(k).squareRoot() * unitRoundoff + Double(k) * unitRoundoff * unitRoundoff
    return min(expm1(sum), gamma(k))
}
