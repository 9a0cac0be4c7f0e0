// SPDX-License-Identifier: MIT
//
// A rewrite: max pooling before ReLU.

extension PlanDraft {
    /// Puts a max pooling right behind a ReLU before it.
    ///
    /// The largest number of a window is rectified to the same as the largest rectified one, NaN
    /// included; and where it is not positive, no gradient passes either way. So results and
    /// gradients are the same bits, and ReLU has only the pooled numbers to work on.
    mutating func poolBeforeRectifying() {
        var place = 0
        while place < steps.count {
            defer { place += 1 }
            let relu = steps[place]
            guard pattern(relu) == .activation(.relu), let consumer = onlyConsumer(of: relu.output),
                case .maxPooling = pattern(steps[consumer])
            else { continue }
            var (pooling, rectifying) = (steps[consumer], relu)
            pooling.inputs = relu.inputs
            rectifying.inputs = [relu.output]
            swap(&pooling.output, &rectifying.output)
            steps.remove(at: consumer)
            steps.replaceSubrange(place...place, with: [pooling, rectifying])
            place += 1
        }
    }
}
