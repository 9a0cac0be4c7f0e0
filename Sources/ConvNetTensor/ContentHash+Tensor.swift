// SPDX-License-Identifier: MIT
//
// The hash of tensors: which data sets, parameters or results are the same.

extension ContentHash {
    /// Takes the numbers of a tensor in, and its shape.
    package mutating func add(_ tensor: Tensor) {
        for extent in tensor.shape { add(UInt64(extent)) }
        switch tensor.scalarType {
        case .float32:
            tensor.withUnsafeScalars(of: Float.self) { for x in $0 { add(UInt64(x.bitPattern)) } }
        case .float64:
            tensor.withUnsafeScalars(of: Double.self) { for x in $0 { add(x.bitPattern) } }
        }
    }
}
