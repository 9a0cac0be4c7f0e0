// SPDX-License-Identifier: MIT
//
// Checks of optimizers' updates: of some numbers, each a short chain of roundings.

import ConvNet

extension CheckedKernels {
    /// Some numbers of a tensor, the same ones of each of its size.
    private func part(_ tensor: Tensor) throws -> Tensor {
        try tensor.reshaped(to: [tensor.count]).samples(
            at: Inputs.spread(10_000, of: tensor.count))
    }

    func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment
    ) throws {
        var (expected, first, second) = (
            try part(parameter), try part(firstMoment), try part(secondMoment)
        )
        let (old, slope) = (expected, try part(gradient))
        try kernels.adamUpdate(
            &parameter, firstMoment: &firstMoment, secondMoment: &secondMoment,
            gradient: gradient, step: step, settings: settings, adjustment: adjustment)
        try reference.adamUpdate(
            &expected, firstMoment: &first, secondMoment: &second, gradient: slope, step: step,
            settings: settings, adjustment: adjustment)
        // A step is a short chain of roundings, its numerator and its root cancel nothing where the
        // first moment was 0; the new parameter is rounded again.
        let bounds = zip(old.doubles, expected.doubles).map {
            (2 * abs($0 - $1) + max(abs($0), abs($1))) * gamma(12)
        }
        log.check.compare(try part(parameter).doubles, expected.doubles, bounds: bounds)
    }

    func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment
    ) throws {
        var (expected, speed) = (try part(parameter), try part(velocity))
        let (old, oldSpeed, slope) = (expected, speed, try part(gradient))
        try kernels.momentumUpdate(
            &parameter, velocity: &velocity, gradient: gradient, settings: settings,
            adjustment: adjustment)
        try reference.momentumUpdate(
            &expected, velocity: &speed, gradient: slope, settings: settings,
            adjustment: adjustment)
        // What the gradient adds is no larger than the velocities before and after together, beside
        // what decays of the parameter.
        let sizes = zip(
            zip(old.doubles, expected.doubles), zip(oldSpeed.doubles, speed.doubles)
        ).map { abs($0.0) + abs($0.1) + abs($1.0) + abs($1.1) }
        for (found, wanted) in [(parameter, expected), (velocity, speed)] {
            log.check.compare(
                try part(found).doubles, wanted.doubles, bounds: sizes.map { $0 * gamma(12) })
        }
    }
}
