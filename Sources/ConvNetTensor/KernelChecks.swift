// SPDX-License-Identifier: MIT
//
// The argument checks that all conformers of `Kernels` share, so that they refuse the same calls
// with the same words. Each returns the sizes that its operation needs, already checked.

/// The sizes of a windowed operation, all checked: what a kernel's loops run over.
package struct WindowedSizes: Sendable {
    package let samples: Int
    package let channels: Int
    package let height: Int
    package let width: Int
    package let outputHeight: Int
    package let outputWidth: Int
    package let window: Window

    /// `[N, C, H, W]`
    package var inputShape: [Int] { [samples, channels, height, width] }
    /// `[N, C, OH, OW]`
    package var pooledShape: [Int] { [samples, channels, outputHeight, outputWidth] }
    /// `[N·OH·OW, C·KH·KW]`
    package var columnsShape: [Int] {
        [
            samples * outputHeight * outputWidth,
            channels * window.size.height * window.size.width,
        ]
    }
}

/// The sizes of a convolution, all checked.
package struct ConvolutionSizes: Sendable {
    package let windowed: WindowedSizes
    package let filters: Int
    package let groups: Int

    /// `[F, C/groups, KH, KW]`
    package var weightsShape: [Int] {
        [
            filters, windowed.channels / groups, windowed.window.size.height,
            windowed.window.size.width,
        ]
    }
    /// `[N, F, OH, OW]`
    package var outputShape: [Int] {
        [windowed.samples, filters, windowed.outputHeight, windowed.outputWidth]
    }
}

/// The argument checks of ``Kernels``.
package enum KernelChecks {
    // MARK: Building blocks

    /// Fails unless the tensor has the shape.
    package static func require(
        _ tensor: Tensor, hasShape shape: [Int], operation: String, argument: String
    ) throws(TensorError) {
        guard tensor.shape == shape else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(tensor.shape)",
                expected: "\(shape)")
        }
    }

    /// Fails unless the tensor holds numbers of the type.
    package static func require(
        _ tensor: Tensor, holds scalarType: ScalarType, operation: String, argument: String
    ) throws(TensorError) {
        guard tensor.scalarType == scalarType else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(tensor.scalarType)",
                expected: "\(scalarType)")
        }
    }

    /// Fails unless the second tensor has the shape and number type of the first.
    package static func require(
        _ tensor: Tensor, matches other: Tensor, operation: String, argument: String
    ) throws(TensorError) {
        try require(tensor, hasShape: other.shape, operation: operation, argument: argument)
        try require(tensor, holds: other.scalarType, operation: operation, argument: argument)
    }

    // MARK: Operations

    /// Sizes M, N and K of a matrix product.
    package static func gemm(
        _ a: MatrixView, _ b: MatrixView, c: Tensor, layout: MatrixLayout
    ) throws(TensorError) -> (m: Int, n: Int, k: Int) {
        guard a.columns == b.rows else {
            throw TensorError(
                operation: "gemm", argument: "b", value: "\(b.rows)×\(b.columns)",
                expected: "\(a.columns) rows, the columns of a (\(a.rows)×\(a.columns))")
        }
        guard layout.rows == a.rows, layout.columns == b.columns else {
            throw TensorError(
                operation: "gemm", argument: "layout", value: "\(layout.rows)×\(layout.columns)",
                expected: "\(a.rows)×\(b.columns)")
        }
        try require(
            b.tensor, holds: a.tensor.scalarType, operation: "gemm", argument: "b")
        try require(c, holds: a.tensor.scalarType, operation: "gemm", argument: "c")
        try layout.check(fits: c, operation: "gemm", argument: "layout")
        return (a.rows, b.columns, a.columns)
    }

    /// Sizes of an operation that slides a window over images of the given shape.
    package static func windowed(
        inputShape: [Int], window: Window, operation: String, argument: String = "x"
    ) throws(TensorError) -> WindowedSizes {
        guard inputShape.count == 4 else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(inputShape)",
                expected: "[N, C, H, W]")
        }
        _ = try Shape.elementCount(inputShape, operation: operation, argument: argument)
        let output = try window.outputSize(
            height: inputShape[2], width: inputShape[3], operation: operation)
        return WindowedSizes(
            samples: inputShape[0], channels: inputShape[1], height: inputShape[2],
            width: inputShape[3], outputHeight: output.height, outputWidth: output.width,
            window: window)
    }

    /// Sizes of im2col and col2im; the matrix of columns must fit in memory too.
    package static func columns(
        inputShape: [Int], window: Window, operation: String, argument: String = "x"
    ) throws(TensorError) -> WindowedSizes {
        let sizes = try windowed(
            inputShape: inputShape, window: window, operation: operation, argument: argument)
        // The column matrix is the larger of the two; its axes are products themselves.
        let factors = [
            sizes.samples, sizes.outputHeight, sizes.outputWidth, sizes.channels,
            window.size.height, window.size.width,
        ]
        _ = try Shape.elementCount(factors, operation: operation, argument: "window")
        _ = try Shape.elementCount(sizes.columnsShape, operation: operation, argument: "window")
        return sizes
    }

    /// Sizes of col2im.
    package static func col2im(
        _ columns: Tensor, inputShape: [Int], window: Window
    ) throws(TensorError) -> WindowedSizes {
        let sizes = try Self.columns(
            inputShape: inputShape, window: window, operation: "col2im", argument: "inputShape")
        try require(
            columns, hasShape: sizes.columnsShape, operation: "col2im", argument: "columns")
        return sizes
    }

    /// Sizes of a max pooling, whose indices must fit in 32 bits.
    package static func maxPooling(
        inputShape: [Int], window: Window, operation: String
    ) throws(TensorError) -> WindowedSizes {
        let sizes = try pooling(inputShape: inputShape, window: window, operation: operation)
        guard sizes.height * sizes.width <= Int(Int32.max) else {
            throw TensorError(
                operation: operation, argument: "x", value: "\(inputShape)",
                expected: "planes of at most \(Int32.max) pixels")
        }
        return sizes
    }

    /// Sizes of a pooling. As in PyTorch the padding is at most half the window, so that no window
    /// sees nothing but padding.
    package static func pooling(
        inputShape: [Int], window: Window, operation: String, argument: String = "x"
    ) throws(TensorError) -> WindowedSizes {
        let padding = window.padding
        guard max(padding.top, padding.bottom) <= window.size.height / 2,
            max(padding.left, padding.right) <= window.size.width / 2
        else {
            throw TensorError(
                operation: operation, argument: "window",
                value: "padded by (\(padding.top), \(padding.bottom), \(padding.left), "
                    + "\(padding.right))",
                expected: "padding of at most half the window's size "
                    + "\(window.size.height)×\(window.size.width)")
        }
        let sizes = try windowed(
            inputShape: inputShape, window: window, operation: operation, argument: argument)
        // Spread taps can straddle a small image: then there is nothing to pool.
        guard
            everyPlaceSeesAPixel(
                places: sizes.outputHeight, extent: sizes.height, before: padding.top,
                size: window.size.height, stride: window.stride.height,
                dilation: window.dilation.height),
            everyPlaceSeesAPixel(
                places: sizes.outputWidth, extent: sizes.width, before: padding.left,
                size: window.size.width, stride: window.stride.width,
                dilation: window.dilation.width)
        else {
            throw TensorError(
                operation: operation, argument: "window",
                value: "\(window.size.height)×\(window.size.width) with dilation "
                    + "\(window.dilation.height)×\(window.dilation.width)",
                expected: "at least one pixel of \(inputShape) under each place")
        }
        return sizes
    }

    /// Whether at each place along an axis at least one tap lies on a pixel.
    ///
    /// A window from an untrusted file may have 2³¹ places and taps: they are not visited one by
    /// one. Where more would have to be visited than any image needs, the answer is no.
    package static func everyPlaceSeesAPixel(
        places: Int, extent: Int, before: Int, size: Int, stride: Int, dilation: Int
    ) -> Bool {
        // A window that begins on a pixel sees it, one that begins behind the image sees none.
        guard (places - 1) * stride - before < extent else { return false }
        // The others begin in the padding before the image, and their first tap behind that lies
        // less than a dilation behind it.
        let early = min((before + stride - 1) / stride, places)
        let taps = { (place: Int) -> Bool in
            let missing = before - place * stride
            let tap = (missing + dilation - 1) / dilation
            return tap < size && tap * dilation - missing < extent
        }
        guard dilation > extent else {
            // Only the number of taps can be too small, and most of them go before the first place.
            return early == 0 || taps(0)
        }
        return early <= 1 << 16 && (0..<early).allSatisfy(taps)
    }

    /// Sizes of the gradient of a max pooling; every index must lie inside its plane.
    package static func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws(TensorError) -> (planes: Int, inputPlane: Int, outputPlane: Int) {
        let operation = "maxPoolingGradient"
        _ = try Shape.elementCount(inputShape, operation: operation, argument: "inputShape")
        let shape = outputGradient.shape
        guard inputShape.count == 4, shape.count == 4, shape[0] == inputShape[0],
            shape[1] == inputShape[1]
        else {
            throw TensorError(
                operation: operation, argument: "outputGradient", value: "\(shape)",
                expected: "[N, C, OH, OW] for images \(inputShape)")
        }
        guard argmax.shape == shape else {
            throw TensorError(
                operation: operation, argument: "argmax", value: "\(argmax.shape)",
                expected: "\(shape)")
        }
        let inputPlane = inputShape[2] * inputShape[3]
        let outside = argmax.withUnsafeIndices { indices -> Int32? in
            // Without a way out of the loop, many indices are compared at once; negative ones are
            // large as unsigned numbers.
            var largest: UInt32 = 0
            for index in indices { largest = max(largest, UInt32(bitPattern: index)) }
            if Int(largest) < inputPlane { return nil }
            return indices.first { $0 < 0 || Int($0) >= inputPlane }
        }
        if let outside {
            throw TensorError(
                operation: operation, argument: "argmax", value: "\(outside)",
                expected: "from 0 to \(inputPlane - 1), inside a plane")
        }
        return (shape[0] * shape[1], inputPlane, shape[2] * shape[3])
    }

    /// Fails unless the gradient of a pooling has the shape of its output.
    package static func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window
    ) throws(TensorError) -> WindowedSizes {
        let sizes = try pooling(
            inputShape: inputShape, window: window, operation: "averagePoolingGradient",
            argument: "inputShape")
        try require(
            outputGradient, hasShape: sizes.pooledShape, operation: "averagePoolingGradient",
            argument: "outputGradient")
        return sizes
    }

    /// Sizes of a tensor whose second axis counts channels.
    package static func channels(
        of tensor: Tensor, operation: String, argument: String
    ) throws(TensorError) -> (samples: Int, channels: Int, plane: Int) {
        try channels(inShape: tensor.shape, operation: operation, argument: argument)
    }

    /// Sizes of a shape whose second axis counts channels.
    package static func channels(
        inShape shape: [Int], operation: String, argument: String
    ) throws(TensorError) -> (samples: Int, channels: Int, plane: Int) {
        let count = try Shape.elementCount(shape, operation: operation, argument: argument)
        guard shape.count >= 2 else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(shape)",
                expected: "[N, C] or [N, C, …]")
        }
        return (shape[0], shape[1], count / (shape[0] * shape[1]))
    }

    /// Sizes of a matrix of logits.
    package static func logits(
        _ logits: Tensor, operation: String
    ) throws(TensorError) -> (rows: Int, classes: Int) {
        guard logits.shape.count == 2 else {
            throw TensorError(
                operation: operation, argument: "logits", value: "\(logits.shape)",
                expected: "[N, K]")
        }
        return (logits.shape[0], logits.shape[1])
    }

    /// Fails unless there is one label per row and each is a class.
    package static func labels(
        _ labels: [Int], rows: Int, classes: Int, operation: String
    ) throws(TensorError) {
        guard labels.count == rows else {
            throw TensorError(
                operation: operation, argument: "labels.count", value: "\(labels.count)",
                expected: "\(rows), one per sample")
        }
        if let wrong = labels.first(where: { $0 < 0 || $0 >= classes }) {
            throw TensorError(
                operation: operation, argument: "labels", value: "\(wrong)",
                expected: "from 0 to \(classes - 1)")
        }
    }

    /// Fails unless an update's gradient and state match the parameter.
    package static func update(
        _ parameter: Tensor, gradient: Tensor,
        state: KeyValuePairs<String, Tensor> = [:], operation: String
    ) throws(TensorError) {
        try require(gradient, matches: parameter, operation: operation, argument: "gradient")
        for (argument, tensor) in state {
            try require(tensor, matches: parameter, operation: operation, argument: argument)
        }
    }

    /// Fails unless the number of an update is at least 1.
    package static func step(_ step: Int, operation: String) throws(TensorError) {
        guard step >= 1 else {
            throw TensorError(
                operation: operation, argument: "step", value: "\(step)", expected: "at least 1")
        }
    }
}
