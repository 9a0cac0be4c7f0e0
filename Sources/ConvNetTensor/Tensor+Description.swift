// SPDX-License-Identifier: MIT
//
// What `print` shows of a tensor.

extension Tensor: CustomStringConvertible, CustomDebugStringConvertible {
    /// The shape, and below it the numbers as NumPy writes them; of more than 1000 only the first
    /// and last three of each axis, and of very many axes fewer or none. The time it takes depends
    /// on what is shown.
    ///
    /// ```text
    /// Tensor [2, 3]
    /// [[1.   2.5  3.  ]
    ///  [4.   5.   6.25]]
    /// ```
    public var description: String {
        let title = "Tensor \(shape)" + (scalarType == .float32 ? "" : " of \(scalarType)")
        guard let layout = ArrayText(shape: shape) else { return title }
        switch scalarType {
        case .float32: return title + "\n" + text(of: Float.self, layout)
        case .float64: return title + "\n" + text(of: Double.self, layout)
        }
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    private func text<Scalar: TensorScalar>(of type: Scalar.Type, _ layout: ArrayText) -> String {
        let shown = withUnsafeScalars(of: type) { numbers in layout.places.map { numbers[$0] } }
        // A single number has no others to stand below.
        if shape.isEmpty { return "\(shown[0])" }
        let format = NumberFormat(shown)
        return layout.text(shown.map { format.text($0) })
    }
}

extension IndexTensor: CustomStringConvertible, CustomDebugStringConvertible {
    /// The shape, and below it the indices, as ``Tensor/description`` shows numbers.
    public var description: String {
        let title = "IndexTensor \(shape)"
        guard let layout = ArrayText(shape: shape) else { return title }
        let shown = withUnsafeIndices { indices in layout.places.map { "\(indices[$0])" } }
        let width = shown.map(\.count).max() ?? 0
        return title + "\n" + layout.text(shown.map { NumberFormat.padded($0, to: width) })
    }

    /// The same as ``description``.
    public var debugDescription: String { description }
}
