// SPDX-License-Identifier: MIT
//
// The constants of local response normalization, checked once, here.

/// The settings of local response normalization,
/// `y[c] = x[c] · (k + alpha/size · Σ x[c']²)^−beta`, the sum running over the `size` channels from
/// `c − size/2` on that exist (PyTorch's formula; the paper does not divide alpha by the size).
///
/// The defaults are those of AlexNet in this formula: 5 · 10⁻⁴ / 5 is the paper's 10⁻⁴.
public struct LocalResponseSettings: Sendable, Hashable {
    /// How many channels are added up, at least 1.
    public let size: Int
    /// The factor of the sum, before it is divided by ``size``.
    public let alpha: Double
    /// The exponent.
    public let beta: Double
    /// What is added to the sum.
    public let k: Double

    /// Settings for local response normalization.
    ///
    /// - Throws: ``TensorError`` when the size is below 1 or beyond 2³¹ − 1, alpha or beta negative
    ///   or beyond 10³⁰, or `k` not from 10⁻³⁰ to 10³⁰.
    public init(
        size: Int = 5, alpha: Double = 5e-4, beta: Double = 0.75, k: Double = 2
    ) throws(TensorError) {
        func check(_ holds: Bool, _ argument: String, _ value: String, _ expected: String)
            throws(TensorError)
        {
            guard holds else {
                throw TensorError(
                    operation: "LocalResponseNormalization", argument: argument, value: value,
                    expected: expected)
            }
        }
        try check(
            (1...Shape.largestExtent).contains(size), "size", "\(size)",
            "from 1 to \(Shape.largestExtent)")
        try check((0...1e30).contains(alpha), "alpha", "\(alpha)", "from 0 to 1e30")
        try check((0...1e30).contains(beta), "beta", "\(beta)", "from 0 to 1e30")
        try check((1e-30...1e30).contains(k), "k", "\(k)", "from 1e-30 to 1e30")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
    }
}
