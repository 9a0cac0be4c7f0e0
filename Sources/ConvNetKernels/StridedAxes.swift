// SPDX-License-Identifier: MIT
//
// Axes that several tensors are walked over along, as few as will do: the fewer and longer they
// are, the longer are the rows that a kernel takes at a time.

import ConvNetTensor

/// Axes with a step for each of some tensors, 0 along an axis on which a tensor repeats its
/// numbers.
struct StridedAxes {
    /// The extents, outermost first; at least one axis.
    private(set) var shape: [Int] = []
    /// The steps of each tensor.
    private(set) var strides: [[Int]]

    /// Axes that are none yet, for so many tensors.
    private init(operands: Int) { strides = Array(repeating: [], count: operands) }

    /// The axes of tensors that broadcast to a shape.
    init(broadcasting shapes: [[Int]], to shape: [Int]) {
        self.init(operands: shapes.count)
        let steps = shapes.map { Shape.strides(Shape.aligned($0, to: shape.count)) }
        for axis in shape.indices { append(shape[axis], steps.map { $0[axis] }) }
        if self.shape.isEmpty { append(onlyPlaceWithStep: 1) }
    }

    /// The axes of a tensor that a reduction keeps, and those that it is over.
    ///
    /// The last of one or the other has the step 1.
    static func reducing(
        _ axes: [Int], of shape: [Int]
    ) -> (kept: StridedAxes, reduced: StridedAxes) {
        var (kept, reduced) = (StridedAxes(operands: 1), StridedAxes(operands: 1))
        let steps = Shape.strides(shape)
        for axis in shape.indices {
            if axes.contains(axis) {
                reduced.append(shape[axis], [steps[axis]])
            } else {
                kept.append(shape[axis], [steps[axis]])
            }
        }
        if reduced.shape.isEmpty { reduced.append(onlyPlaceWithStep: kept.shape.isEmpty ? 1 : 0) }
        if kept.shape.isEmpty { kept.append(onlyPlaceWithStep: 0) }
        return (kept, reduced)
    }

    /// Adds an inner axis. One of extent 1 is left out, and one that goes on where the last one
    /// makes a step makes that one longer.
    private mutating func append(_ extent: Int, _ steps: [Int]) {
        guard extent > 1 else { return }
        if let last = shape.indices.last,
            zip(strides, steps).allSatisfy({ $0[last] == $1 * extent })
        {
            shape[last] *= extent
            for operand in strides.indices { strides[operand][last] = steps[operand] }
            return
        }
        shape.append(extent)
        for operand in strides.indices { strides[operand].append(steps[operand]) }
    }

    private mutating func append(onlyPlaceWithStep step: Int) {
        shape.append(1)
        for operand in strides.indices { strides[operand].append(step) }
    }
}
