// SPDX-License-Identifier: MIT
//
// Dropout, "Deep Learning from Scratch", section 6.4.3, in its inverted form: training scales what
// is kept, so that prediction does nothing.

/// Sets a random share of the numbers to 0 in training and scales the others by `1 / (1 − rate)`;
/// in prediction the identity.
///
/// The book's dropout (section 6.4.3) does it the other way round: training leaves what it keeps as
/// it is, and prediction multiplies by `1 − rate`. Weights that were trained so are converted by
/// multiplying those of the layer behind each dropout with `1 − rate`, as <doc:Interchange> shows;
/// the bias stays.
///
/// Which numbers are dropped follows from the seed, the layer's stream, the number of the training
/// step (see ``Pass/step``) and the number's place alone: the same at any number of threads, on any
/// kernels, and after going on from a checkpoint. The gradient draws them again.
public struct Dropout: UnaryLayer {
    private let mask: DropoutMask

    /// The share that is dropped.
    public var rate: Double { mask.rate }
    /// What the random numbers are drawn from.
    public var seed: UInt64 { mask.seed }
    /// One of the seed's independent streams, so that dropouts of one seed differ.
    public var stream: UInt64 { mask.layer }

    /// A layer without parameters.
    ///
    /// - Parameters:
    ///   - rate: the share that is dropped.
    ///   - seed: what the random numbers are drawn from.
    ///   - stream: one of the seed's independent streams; each dropout of a network needs its own.
    /// - Throws: ``TensorError`` when the rate is not from 0 to below 1.
    public init(rate: Double = 0.5, seed: UInt64 = 0, stream: UInt64 = 0) throws {
        mask = try DropoutMask(rate: rate, seed: seed, layer: stream)
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// The input itself.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }

    /// The numbers that the step keeps, scaled, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        var mask = mask
        mask.step = pass.step
        let output = try pass.kernels.dropout(x, mask: mask)
        return Forward(output) { [mask, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(input: try kernels.dropout(outputGradient, mask: mask))
        }
    }
}
