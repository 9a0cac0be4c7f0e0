// SPDX-License-Identifier: MIT
//
// Kernels: the operations that convolutional networks are made of. Everything above speaks to this
// protocol; a fast implementation and a readable one stand behind it.

/// The operations of convolutional networks on tensors: products, convolution, pooling,
/// activations, losses and the optimisers' updates.
///
/// Images are `[N, C, H, W]` (samples, channels, height, width), matrices `[rows, columns]`. Every
/// operation checks its arguments and throws a ``TensorError`` that names the one that is wrong.
/// All tensors of one call hold the same number type; which types an implementation takes, it says
/// itself. All methods may be called from many threads at once.
public protocol Kernels:
    ConvolutionKernels, NormalizationKernels, BatchNormalizationKernels, ElementwiseKernels,
    ShapeKernels
{
    /// What people call this implementation, such as `native`.
    var name: String { get }

    /// The most threads that one call uses; 1 by default.
    var threads: Int { get }

    /// The same kernels on another number of threads. Results are the same bits; kernels that use
    /// one thread only stay as they are, which is the default.
    ///
    /// - Throws: ``TensorError`` when there are not from 1 to 1024 threads.
    func running(onThreads threads: Int) throws(TensorError) -> Self

    // MARK: Products

    /// The general matrix product, `C = alpha · A · B + beta · C` (BLAS's GEMM).
    ///
    /// With `beta` 0 the old numbers of `c` are not read, with `alpha` 0 neither `a` nor `b` is:
    /// there NaN and infinity count for nothing, as in BLAS. Both factors are rounded to the
    /// number type first.
    ///
    /// - Parameters:
    ///   - alpha: what the product is multiplied by.
    ///   - a: M×K, perhaps transposed.
    ///   - b: K×N, perhaps transposed.
    ///   - beta: what the old numbers of `c` are multiplied by.
    ///   - c: the tensor that holds C; numbers outside `layout` are left alone.
    ///   - layout: where C lies in `c`: M×N.
    /// - Throws: ``TensorError`` when the matrices' sizes disagree or C reaches outside its tensor.
    func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout) throws

    /// A product with weights, a bias and, where asked for, ReLU: `y = x · W + b`.
    ///
    /// By default it is one after the other; an implementation that does them at once gives
    /// the same numbers.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weights: `[in, out]`.
    ///   - bias: `[out]`.
    ///   - rectified: whether what is negative becomes 0, as in ``Kernels/relu(_:)``.
    /// - Returns: `[N, out]`.
    /// - Throws: ``TensorError`` when the shapes disagree.
    func affine(_ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool) throws -> Tensor

    // MARK: Patches

    /// Every patch that the window sees, as one row of a matrix ("Deep Learning from Scratch",
    /// section 7.4.3).
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - window: KH×KW taps, with its stride, padding and dilation.
    /// - Returns: `[N·OH·OW, C·KH·KW]`; rows run over (n, oh, ow), columns over (c, kh, kw). Taps
    ///   in the padding read 0.
    /// - Throws: ``TensorError`` when `x` is no batch of images or the window is larger than the
    ///   padded image.
    func im2col(_ x: Tensor, window: Window) throws -> Tensor

    /// The adjoint of ``im2col(_:window:)``: adds every patch back to where it came from.
    ///
    /// - Parameters:
    ///   - columns: `[N·OH·OW, C·KH·KW]`.
    ///   - inputShape: the images' `[N, C, H, W]`.
    ///   - window: the window that the rows are patches of.
    /// - Returns: `[N, C, H, W]`; pixels that no window covers are 0.
    /// - Throws: ``TensorError`` when the columns are not those of such images.
    func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor

    // MARK: Bias

    /// Adds a bias per channel, in place.
    ///
    /// - Parameters:
    ///   - bias: `[C]`.
    ///   - x: `[N, C]` or `[N, C, …]`: the second axis counts channels.
    /// - Throws: ``TensorError`` when there is not one number per channel.
    func addBias(_ bias: Tensor, to x: inout Tensor) throws

    /// The gradient of a bias: the sum over everything but the channels.
    ///
    /// - Parameter outputGradient: `[N, C]` or `[N, C, …]`.
    /// - Returns: `[C]`.
    /// - Throws: ``TensorError`` when there is no second axis.
    func biasGradient(_ outputGradient: Tensor) throws -> Tensor

    // MARK: Pooling

    /// The largest number that each window sees. Padding counts as −∞; NaN wins over every number,
    /// and of several NaN the first in reading order.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - window: its size, stride, padding and dilation.
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is no batch of images or a window would see padding
    ///   alone.
    func maxPooling(_ x: Tensor, window: Window) throws -> Tensor

    /// Max pooling that also gives the place of each maximum; of equal ones the first in reading
    /// order, and of several NaN the first too (PyTorch gives the last NaN).
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - window: its size, stride, padding and dilation.
    /// - Returns: the maxima `[N, C, OH, OW]`, and for each the flat index `h·W + w` in its plane.
    /// - Throws: ``TensorError`` when `x` is no batch of images or a window would see padding
    ///   alone.
    func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult

    /// The gradient of max pooling: each output's gradient is added where its maximum came from.
    ///
    /// - Parameters:
    ///   - outputGradient: `[N, C, OH, OW]`.
    ///   - argmax: what ``maxPoolingWithArgmax(_:window:)`` gave.
    ///   - inputShape: the images' `[N, C, H, W]`.
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass or a place lies
    ///   outside its plane.
    func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor

    /// The mean of the numbers that each window sees.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - window: its size, stride, padding and dilation.
    ///   - countIncludePad: whether padding counts, as zeros; otherwise the divisor is the number
    ///     of real pixels under the window (PyTorch's `count_include_pad`). A tap that ceil mode
    ///     puts beyond the padding never counts.
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is no batch of images or the window does not fit the
    ///   padded image (see ``Window/outputSize(height:width:operation:)``).
    func averagePooling(_ x: Tensor, window: Window, countIncludePad: Bool) throws -> Tensor

    /// The gradient of average pooling, with the same divisors.
    ///
    /// - Parameters:
    ///   - outputGradient: `[N, C, OH, OW]`.
    ///   - inputShape: the images' `[N, C, H, W]`.
    ///   - window: the forward pass's window.
    ///   - countIncludePad: the forward pass's answer.
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor

    // MARK: Activations

    /// A function of each number; NaN stays NaN.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type, or a parameter of
    ///   the activation is not finite.
    func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor

    /// The gradient of an activation.
    ///
    /// - Parameters:
    ///   - outputGradient: any shape.
    ///   - value: what the activation gave where ``Activation/gradientTakesOutput``, else what went
    ///     in; same shape.
    ///   - activation: the forward pass's.
    /// - Throws: ``TensorError`` when the shapes differ.
    func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws -> Tensor

    /// The gradient of the softmax along an axis, `y · (outputGradient − Σ outputGradient · y)`.
    ///
    /// - Parameters:
    ///   - outputGradient: any shape.
    ///   - output: what ``softmax(_:axis:)`` gave.
    ///   - axis: the forward pass's.
    /// - Throws: ``TensorError`` when the shapes differ, or there is no such axis.
    func softmaxGradient(_ outputGradient: Tensor, output: Tensor, axis: Int) throws -> Tensor

    // MARK: Loss

    /// The softmax along an axis, `exp(x[k]) / Σ exp(x[j])`, computed without overflow.
    ///
    /// - Parameters:
    ///   - x: any shape.
    ///   - axis: what k and j count along; a negative one counts from the end.
    /// - Returns: the shape of `x`; along the axis the numbers add up to 1.
    /// - Throws: ``TensorError`` when there is no such axis.
    func softmax(_ x: Tensor, axis: Int) throws -> Tensor

    /// Softmax followed by cross-entropy against class labels, and its gradient:
    /// `loss = 1/N Σ (log Σ exp(x[n,j]) − x[n,labels[n]])`.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`.
    ///   - labels: N classes, each from 0 to K − 1.
    /// - Throws: ``TensorError`` when the logits are no matrix, or the labels or targets do not
    ///   suit them.
    func softmaxCrossEntropy(_ logits: Tensor, labels: [Int]) throws -> LossAndGradient

    /// Softmax followed by cross-entropy against rows of probabilities, and its gradient:
    /// `loss = 1/N Σ targets[n,k] · (log Σ exp(x[n,j]) − x[n,k])`.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`.
    ///   - targets: `[N, K]`.
    /// - Throws: ``TensorError`` when the logits are no matrix, or the labels or targets do not
    ///   suit them.
    func softmaxCrossEntropy(_ logits: Tensor, targets: Tensor) throws -> LossAndGradient

    // MARK: Updates

    /// The sum of the squares of all numbers, in `Double`.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    func sumOfSquares(_ x: Tensor) throws -> Double

    /// Stochastic gradient descent, in place: `p −= learningRate · g`. Here and in the other
    /// updates `g` is the gradient after its adjustment.
    ///
    /// - Throws: ``TensorError`` when the shapes or number types differ.
    func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment) throws

    /// Gradient descent with a velocity, in place: `v = momentum · v − learningRate · g; p += v`
    /// ("Deep Learning from Scratch", section 6.1.4); Nesterov's: `v = momentum · v + g;
    /// p −= learningRate · (g + momentum · v)` (Sutskever et al., "On the importance of
    /// initialization and momentum in deep learning", 2013, as PyTorch's SGD has it).
    ///
    /// - Throws: ``TensorError`` when the shapes or number types differ.
    func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment) throws

    /// A step scaled by the root of the gradient's squares, in place: `v = kept · v + added · g²;
    /// p −= learningRate · g / (√v + epsilon)`. That is AdaGrad (Duchi et al., "Adaptive
    /// subgradient methods", 2011) and RMSProp (Hinton, lecture 6e, 2012), both as in PyTorch.
    ///
    /// - Parameters:
    ///   - parameter: p, any shape.
    ///   - squares: the squares so far, v, of the same shape.
    ///   - gradient: of the same shape.
    ///   - settings: learningRate, kept, added and epsilon.
    ///   - adjustment: what is done to the gradient before.
    /// - Throws: ``TensorError`` when the shapes or number types differ.
    func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment) throws

    /// Adam, in place (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, with
    /// epsilon added to the root of the corrected second moment, as in PyTorch). With a decoupled
    /// weight decay it is AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization",
    /// 2019): `p` is multiplied by `1 − learningRate · decay` first.
    ///
    /// - Parameters:
    ///   - parameter: p, any shape.
    ///   - firstMoment: the mean of the gradients so far, of the same shape; zeros at first.
    ///   - secondMoment: the mean of their squares, likewise.
    ///   - gradient: of the same shape.
    ///   - step: the number of this update, from 1.
    ///   - settings: learning rate, betas, epsilon and decay.
    ///   - adjustment: what is done to the gradient before.
    /// - Throws: ``TensorError`` when the shapes or number types differ.
    func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment) throws
}

/// Maxima and where they came from.
public struct MaxPoolingResult: Sendable {
    /// The maxima, `[N, C, OH, OW]`.
    public let output: Tensor
    /// For each maximum the flat index `h·W + w` in its plane, `[N, C, OH, OW]`.
    public let argmax: IndexTensor

    /// Puts the two together.
    public init(output: Tensor, argmax: IndexTensor) {
        self.output = output
        self.argmax = argmax
    }
}

/// A loss and its gradient.
public struct LossAndGradient: Sendable {
    /// The mean loss of the batch, in nats.
    public let loss: Double
    /// The gradient of the mean loss with respect to the logits, `[N, K]`.
    public let gradient: Tensor

    /// Puts the two together.
    public init(loss: Double, gradient: Tensor) {
        self.loss = loss
        self.gradient = gradient
    }
}

extension Kernels {
    /// The matrix product as a new tensor.
    ///
    /// - Returns: `[a.rows, b.columns]`.
    /// - Throws: ``TensorError`` when the matrices' sizes disagree or C reaches outside its tensor.
    public func gemm(_ a: MatrixView, _ b: MatrixView) throws -> Tensor {
        var c = try Tensor(
            uninitialized: [a.rows, b.columns], scalarType: a.tensor.scalarType, operation: "gemm")
        try gemm(
            alpha: 1, a, b, beta: 0, into: &c,
            layout: MatrixLayout(rows: a.rows, columns: b.columns))
        return c
    }

    /// Each row's softmax, `exp(x[n,k]) / Σ exp(x[n,j])`.
    ///
    /// - Parameter logits: `[N, K]`.
    /// - Returns: `[N, K]`, each row adding up to 1.
    /// - Throws: ``TensorError`` when the logits are no matrix.
    public func softmax(_ logits: Tensor) throws -> Tensor {
        _ = try KernelChecks.logits(logits, operation: "softmax")
        return try softmax(logits, axis: 1)
    }

    /// The gradient of each row's softmax.
    ///
    /// - Parameters:
    ///   - outputGradient: `[N, K]`.
    ///   - output: what ``softmax(_:)`` gave.
    /// - Throws: ``TensorError`` when the shapes differ, or they are no matrices.
    public func softmaxGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        guard outputGradient.shape.count == 2 else {
            throw TensorError(
                operation: "softmaxGradient", argument: "outputGradient",
                value: "\(outputGradient.shape)", expected: "[N, K]")
        }
        return try softmaxGradient(outputGradient, output: output, axis: 1)
    }

    /// The product first, then the bias, then ReLU.
    ///
    /// - Throws: ``TensorError`` when the shapes disagree.
    public func affine(
        _ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool
    ) throws -> Tensor {
        try KernelChecks.affine(x, weights: weights, bias: bias)
        var output = try gemm(MatrixView(x), MatrixView(weights))
        try addBias(bias, to: &output)
        return rectified ? try relu(output) : output
    }
}
