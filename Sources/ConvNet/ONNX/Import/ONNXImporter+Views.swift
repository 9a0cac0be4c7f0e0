// SPDX-License-Identifier: MIT
//
// Numbers in other places: of constants when the model is loaded, of other values as layers.

import ConvNetSupport

extension ONNXArithmetic {
    /// Fails where a shape has more numbers than memory can hold.
    static func checkSize(_ shape: [Int]) throws {
        var count = 1
        for extent in shape {
            let product = count.multipliedReportingOverflow(by: max(extent, 1))
            guard !product.overflow, product.partialValue <= Int.max / 16 else {
                throw ONNXRefusal("shape", "\(shape)", expected: "a size that fits in memory")
            }
            count = product.partialValue
        }
    }
}

extension ONNXImporter {
    /// A constant that follows from another one, and is small or no weight; nil where the graph has
    /// to compute it.
    func foldable(_ value: Value) -> ONNXConstant? {
        guard case .constant(let constant, let name) = value else { return nil }
        let isWeight = isWeight(name) && !constant.shape.isEmpty && constant.integers == nil
        return isWeight || constant.count > ONNXArithmetic.mostNumbers ? nil : constant
    }

    /// The axes of a value in another order.
    mutating func transposed(
        _ value: Value, _ permutation: [Int], isLast: Bool = true
    ) throws -> Value {
        guard permutation != Array(permutation.indices) else { return value }
        let shape = try self.shape(of: value)
        let turned = permutation.map { shape[$0] }
        if let constant = foldable(value) {
            let strides = Shape.strides(shape)
            let places = ONNXArithmetic.places(
                turned, strides: permutation.map { strides[$0] }, offset: 0)
            return .constant(
                try ONNXArithmetic.taken(constant, places, shape: turned), name: "")
        }
        let layer = try Transpose(anyAxes: permutation)
        return .running(try emit(layer, running(value), isLast: isLast), type(of: value))
    }

    /// A value split into more axes, whose order is changed, and joined again.
    mutating func rearranged(
        _ value: Value, _ split: [Int], _ permutation: [Int], _ shape: [Int]
    ) throws -> Value {
        let parts = try reshape(value, to: split, isLast: false)
        return try reshape(transposed(parts, permutation, isLast: false), to: shape)
    }

    /// The numbers at some indices along an axis.
    mutating func selected(
        _ value: Value, _ axis: Int, _ indices: [Int], isLast: Bool = true
    ) throws -> Value {
        let shape = try self.shape(of: value)
        guard indices.count != shape[axis] || indices != Array(0..<shape[axis]) else {
            return value
        }
        var selected = shape
        selected[axis] = indices.count
        if let constant = foldable(value), ONNXArithmetic.isShort(selected) {
            let inner = shape[(axis + 1)...].reduce(1, *)
            let outer = shape[..<axis].reduce(1, *)
            let places = (0..<outer).flatMap { block in
                indices.flatMap { index in
                    (0..<inner).map { (block * shape[axis] + index) * inner + $0 }
                }
            }
            return .constant(
                try ONNXArithmetic.taken(constant, places, shape: selected), name: "")
        }
        guard !indices.isEmpty else {
            throw ONNXRefusal("", "a result without numbers", expected: "no empty axis")
        }
        // Channels one behind the other may be read where they lie.
        let first = indices[0]
        let isSlice = axis == 1 && indices == Array(first..<first + indices.count)
        let layer: any Layer =
            isSlice
            ? try Slice(axis: axis, from: first, to: first + indices.count)
            : try IndexSelection(axis: axis, indices: indices, extent: shape[axis])
        return .running(try emit(layer, running(value), isLast: isLast), type(of: value))
    }

    /// A value repeated along axes of extent 1, as NumPy broadcasts.
    mutating func expanded(_ value: Value, to shape: [Int]) throws -> Value {
        let from = try self.shape(of: value)
        if let constant = foldable(value), ONNXArithmetic.isShort(shape) {
            return .constant(
                try ONNXArithmetic.taken(
                    constant, ONNXArithmetic.places(from, in: shape), shape: shape), name: "")
        }
        try ONNXArithmetic.checkSize(shape)
        let aligned = Shape.aligned(from, to: shape.count)
        var result = try reshape(value, to: aligned, isLast: false)
        for axis in shape.indices where aligned[axis] != shape[axis] {
            guard shape[axis] <= ONNXArithmetic.mostNumbers else {
                throw ONNXRefusal("shape", "\(shape)", expected: "smaller extents")
            }
            let indices = [Int](repeating: 0, count: shape[axis])
            result = try selected(result, axis, indices, isLast: false)
        }
        return result
    }
}
