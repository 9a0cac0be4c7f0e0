// SPDX-License-Identifier: MIT
//
// Which parameters weight decay is for.

/// Which parameters decay.
public enum DecayedParameters: String, Sendable, Hashable, CaseIterable {
    /// All of them, as PyTorch's optimizers have it.
    case all
    /// Those with two axes or more: weights, and neither biases nor the scales and shifts of
    /// normalizations (He et al., "Bag of tricks for image classification with convolutional neural
    /// networks", 2019, section 3.1).
    case weights

    /// Whether a parameter decays.
    func contains(_ parameter: Tensor) -> Bool { self == .all || parameter.shape.count > 1 }
}
