// SPDX-License-Identifier: MIT
//
// Initializers that do not exist, as people write them first: the compiler then says what to write
// instead of naming one that was never meant.

extension Affine {
    /// Not available: the sizes have labels.
    @available(*, unavailable, message: "write Affine(inputSize: 100, outputSize: 10)")
    public init(_ inputSize: Int, _ outputSize: Int) throws {
        try self.init(inputSize: inputSize, outputSize: outputSize)
    }

    /// Not available: the labels are others.
    @available(*, unavailable, message: "write Affine(inputSize: 100, outputSize: 10)")
    public init(in inputSize: Int, out outputSize: Int) throws {
        try self.init(inputSize: inputSize, outputSize: outputSize)
    }

    /// Not available: the labels are others.
    @available(*, unavailable, message: "write Affine(inputSize: 100, outputSize: 10)")
    public init(inputs inputSize: Int, outputs outputSize: Int) throws {
        try self.init(inputSize: inputSize, outputSize: outputSize)
    }
}

extension Convolution {
    /// Not available: the sizes have labels.
    @available(
        *, unavailable,
        message: "write Convolution(inputChannels: 3, outputChannels: 16, kernel: 5)"
    )
    public init(_ inputChannels: Int, _ outputChannels: Int, _ kernel: Int) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, kernel: kernel)
    }

    /// Not available: the labels are others.
    @available(
        *, unavailable,
        message: "write Convolution(inputChannels: 3, outputChannels: 16, kernel: 5)"
    )
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, kernel: kernelSize,
            stride: stride, padding: padding)
    }

    /// Not available: the labels are others.
    @available(
        *, unavailable,
        message: "write Convolution(inputChannels: 3, outputChannels: 16, kernel: 5)"
    )
    public init(
        in inputChannels: Int, out outputChannels: Int, kernel: Int, stride: Int = 1,
        padding: Int = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, kernel: kernel,
            stride: stride, padding: padding)
    }
}

extension MaxPooling {
    /// Not available: the second number might be the stride or a width.
    @available(
        *, unavailable,
        message: """
            write MaxPooling(2, stride: 3), or MaxPooling(window: Window(height: 2, width: 3)) for \
            a window that is not square
            """
    )
    public init(_ size: Int, _ stride: Int) throws { try self.init(size, stride: stride) }
}

extension AveragePooling {
    /// Not available: the second number might be the stride or a width.
    @available(
        *, unavailable,
        message: """
            write AveragePooling(2, stride: 3), or AveragePooling(window: Window(height: 2, width: 3)) \
            for a window that is not square
            """
    )
    public init(_ size: Int, _ stride: Int) throws { try self.init(size, stride: stride) }
}

extension LocalResponseNormalization {
    /// Not available: the size has a label.
    @available(*, unavailable, message: "write LocalResponseNormalization(size: 5)")
    public init(_ size: Int) throws { try self.init(size: size) }
}

extension Network {
    /// Not available: a network knows the shape of its inputs, and its layers have names.
    @available(
        *, unavailable,
        message: """
            write Network(inputShape: [1, 28, 28], layers: [NamedLayer("flatten1", Flatten())])
            """
    )
    public init(_ layers: [any Layer]) throws {
        try self.init(
            inputShape: [1], layers: layers.enumerated().map { NamedLayer("layer\($0)", $1) })
    }
}
