// SPDX-License-Identifier: MIT
//
// MatrixView: a matrix that lies somewhere in a tensor, as BLAS describes one.

/// Where a matrix lies in the numbers of a tensor: row-major, `leadingDimension` numbers from the
/// start of one row to the start of the next.
public struct MatrixLayout: Sendable, Hashable {
    /// The number of rows, at least 1.
    public let rows: Int
    /// The number of columns, at least 1.
    public let columns: Int
    /// The distance between the starts of two rows (BLAS's lda), at least `columns`.
    public let leadingDimension: Int
    /// The place of the first number in the tensor's row-major order.
    public let offset: Int

    /// A matrix of the given size.
    ///
    /// - Parameters:
    ///   - rows: the number of rows, at least 1.
    ///   - columns: the number of columns, at least 1.
    ///   - leadingDimension: the distance between two rows; `columns` when nil.
    ///   - offset: the place of the first number.
    /// - Throws: ``TensorError`` when an extent is empty, rows overlap or the offset is negative.
    public init(
        rows: Int, columns: Int, leadingDimension: Int? = nil, offset: Int = 0
    ) throws(TensorError) {
        let leading = leadingDimension ?? columns
        _ = try Shape.elementCount([rows, columns], operation: "MatrixLayout")
        guard leading >= columns, leading <= Shape.largestExtent else {
            throw TensorError(
                operation: "MatrixLayout", argument: "leadingDimension", value: "\(leading)",
                expected: "from \(columns), the number of columns, to \(Shape.largestExtent)")
        }
        guard offset >= 0, offset <= Int.max / 4 else {
            throw TensorError(
                operation: "MatrixLayout", argument: "offset", value: "\(offset)",
                expected: "at least 0, and inside the tensor")
        }
        self.rows = rows
        self.columns = columns
        self.leadingDimension = leading
        self.offset = offset
    }

    /// One past the last number that the matrix touches.
    package var end: Int { offset + (rows - 1) * leadingDimension + columns }

    /// Checks that the matrix lies inside a tensor.
    package func check(
        fits tensor: Tensor, operation: String, argument: String
    ) throws(TensorError) {
        guard end <= tensor.count else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(rows)×\(columns) up to \(end)",
                expected: "inside the \(tensor.count) numbers of \(tensor.shape)")
        }
    }
}

/// An operand of a matrix product: a matrix in a tensor, perhaps read transposed.
///
/// ```swift
/// let product = try kernels.gemm(MatrixView(a), MatrixView(b).transposed)
/// ```
public struct MatrixView: Sendable {
    /// The tensor that holds the numbers.
    public let tensor: Tensor
    /// Where they lie in it, before any transposition.
    public let layout: MatrixLayout
    /// Whether rows and columns change places when the matrix is read.
    public private(set) var isTransposed = false

    /// A whole matrix tensor.
    ///
    /// - Parameter tensor: shape `[rows, columns]`.
    /// - Throws: ``TensorError`` when the tensor is not a matrix.
    public init(_ tensor: Tensor) throws(TensorError) {
        guard tensor.shape.count == 2 else {
            throw TensorError(
                operation: "MatrixView", argument: "tensor", value: "\(tensor.shape)",
                expected: "[rows, columns]")
        }
        self.tensor = tensor
        layout = try MatrixLayout(rows: tensor.shape[0], columns: tensor.shape[1])
    }

    /// A matrix inside a tensor of any shape.
    ///
    /// - Throws: ``TensorError`` when it reaches outside the tensor.
    public init(_ tensor: Tensor, layout: MatrixLayout) throws(TensorError) {
        try layout.check(fits: tensor, operation: "MatrixView", argument: "layout")
        self.tensor = tensor
        self.layout = layout
    }

    /// The same matrix read with rows and columns exchanged.
    public var transposed: MatrixView {
        var view = self
        view.isTransposed.toggle()
        return view
    }

    /// The number of rows as the product sees them.
    public var rows: Int { isTransposed ? layout.columns : layout.rows }

    /// The number of columns as the product sees them.
    public var columns: Int { isTransposed ? layout.rows : layout.columns }
}
