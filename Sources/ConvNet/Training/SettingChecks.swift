// SPDX-License-Identifier: MIT
//
// What an optimizer's settings may be. Kernels compute in `Float`: a setting that it can't hold
// would silently become 0 or infinity there, and a decay rate just below 1 would become 1.

/// The numbers above 0 that `Float` holds with all its digits.
package enum FloatRange {
    /// The rule, for messages.
    package static let rule =
        "from \(Float.leastNormalMagnitude) to \(Float.greatestFiniteMagnitude), "
        + "which Float can hold"

    /// Whether a number is one of them.
    package static func contains(_ value: Double) -> Bool { value > 0 && Float(value).isNormal }
}

/// Fails unless a setting lies in a range below 1, as `Float` too.
func check(
    _ value: Double, in range: Range<Double>, operation: String, argument: String
) throws(TensorError) {
    func fail(_ expected: String) -> TensorError {
        TensorError(
            operation: operation, argument: argument, value: "\(value)", expected: expected)
    }
    guard range.contains(value), value.isFinite else {
        throw fail("at least \(range.lowerBound) and below \(range.upperBound)")
    }
    try checkHeldByFloat(value, operation: operation, argument: argument)
    let largest = Float(range.upperBound).nextDown
    guard Float(value) <= largest else {
        throw fail("at most \(largest), the largest below \(range.upperBound) that Float can hold")
    }
}

/// Fails unless a weight decay is at least 0 and finite.
func checkWeightDecay(_ value: Double, operation: String) throws(TensorError) {
    guard value >= 0, value.isFinite else {
        throw TensorError(
            operation: operation, argument: "weightDecay", value: "\(value)",
            expected: "a finite number of at least 0")
    }
    try checkHeldByFloat(value, operation: operation, argument: "weightDecay")
}

/// Fails unless a learning rate is above 0 and finite.
func checkLearningRate(_ value: Double, operation: String) throws(TensorError) {
    guard value > 0, value.isFinite else {
        throw TensorError(
            operation: operation, argument: "learningRate", value: "\(value)",
            expected: "a finite number above 0")
    }
    try checkHeldByFloat(value, operation: operation, argument: "learningRate")
}

/// Fails unless a setting is 0 or in `Float`'s range.
func checkHeldByFloat(
    _ value: Double, operation: String, argument: String
) throws(TensorError) {
    guard value == 0 || FloatRange.contains(value) else {
        throw TensorError(
            operation: operation, argument: argument, value: "\(value)", expected: FloatRange.rule)
    }
}
