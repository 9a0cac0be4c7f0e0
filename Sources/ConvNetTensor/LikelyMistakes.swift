// SPDX-License-Identifier: MIT
//
// Initializers that do not exist, as people write them first: the compiler then says what to write
// instead of naming one that was never meant.

extension Window {
    /// Not available: a window's second number might be its width or its stride.
    @available(
        *, unavailable,
        message: "write Window(height: 3, width: 5), or Window(3, stride: 2) for a square window"
    )
    public init(_ height: Int, _ width: Int) throws(TensorError) {
        try self.init(height: height, width: width)
    }
}

extension Tensor {
    /// Not available: an array alone might be numbers or a shape.
    @available(
        *, unavailable,
        message: "write Tensor(shape: [3], scalars: [1, 2, 3]), or Tensor(zeros: [2]) for a shape"
    )
    public init(_ scalars: [Float]) throws(TensorError) {
        try self.init(shape: [scalars.count], scalars: scalars)
    }

    /// Not available: both arrays have a label.
    @available(*, unavailable, message: "write Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])")
    public init(_ shape: [Int], _ scalars: [Float]) throws(TensorError) {
        try self.init(shape: shape, scalars: scalars)
    }

    /// Not available: both arrays have a label.
    @available(*, unavailable, message: "write Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])")
    public init(shape: [Int], _ scalars: [Float]) throws(TensorError) {
        try self.init(shape: shape, scalars: scalars)
    }

    /// Not available: a shape is an array.
    @available(*, unavailable, message: "write Tensor(zeros: [2, 3])")
    public init(zeros first: Int, _ others: Int...) throws(TensorError) {
        try self.init(zeros: [first] + others)
    }
}
