// SPDX-License-Identifier: MIT
//
// The two number types a tensor can hold.

/// The type of the numbers in a tensor.
///
/// Networks compute in `float32`. `float64` exists for checks: a gradient compared with finite
/// differences needs more digits than `Float` has, and ``Kernels`` in plain Swift accept both.
public enum ScalarType: String, Sendable, Hashable, CaseIterable {
    /// IEEE 754 binary32, Swift's `Float`.
    case float32
    /// IEEE 754 binary64, Swift's `Double`.
    case float64

    /// The size of one number in bytes.
    public var byteCount: Int { self == .float32 ? 4 : 8 }
}

/// A Swift number type that a tensor can hold: `Float` or `Double`.
public protocol TensorScalar: BinaryFloatingPoint, Sendable {
    /// The value of ``ScalarType`` that stands for this type.
    static var scalarType: ScalarType { get }
}

extension Float: TensorScalar {
    /// `float32`.
    public static var scalarType: ScalarType { .float32 }
}

extension Double: TensorScalar {
    /// `float64`.
    public static var scalarType: ScalarType { .float64 }
}
