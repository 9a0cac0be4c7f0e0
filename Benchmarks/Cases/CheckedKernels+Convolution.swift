// SPDX-License-Identifier: MIT
//
// Checks of convolutions, alone and with what runs together with them, and of their gradients.

import ConvNet
import ConvNetReference

extension CheckedKernels {
    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let rectifiesAtMost = epilogue.activation == nil || epilogue.activation == .relu
        guard epilogue.normalization == nil, epilogue.addend == nil, rectifiesAtMost else {
            return try composed(x, weights, descriptor, epilogue, wantsArgmax: wantsArgmax)
        }
        let (window, groups) = (descriptor.window, descriptor.groups)
        let rectified = epilogue.activation == .relu
        if let pooling = epilogue.pooling {
            return try pooled(
                x, weights, prepacked, epilogue.bias, window, groups, pooling,
                rectified: rectified, wantsArgmax: wantsArgmax)
        }
        let result = try plain(
            x, weights, prepacked, epilogue.bias, window, groups, rectified: rectified)
        return (result, nil)
    }

    /// Checks an epilogue as the operations that it stands for: each of them has checks of its own.
    private func composed(
        _ x: Tensor, _ weights: Tensor, _ descriptor: ConvolutionDescriptor, _ epilogue: Epilogue,
        wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let sums = try convolution(
            x, weights: weights, bias: epilogue.bias, window: descriptor.window,
            groups: descriptor.groups)
        let expected = try finish(sums, epilogue, wantsArgmax: wantsArgmax)
        let result = try kernels.convolution(
            x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
        log.check.compareExactly(result.output.doubles, expected.output.doubles)
        return result
    }

    private func plain(
        _ x: Tensor, _ weights: Tensor, _ prepacked: PrepackedFilters?, _ bias: Tensor?,
        _ window: Window, _ groups: Int, rectified: Bool
    ) throws -> Tensor {
        let epilogue = Epilogue(bias: bias, activation: rectified ? .relu : nil)
        let descriptor = ConvolutionDescriptor(window, groups: groups)
        let result = try kernels.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: false
        ).output
        if let winograd = try kernels.winograd(
            inputShape: x.shape, weightsShape: weights.shape, window: window, groups: groups,
            pass: .forward)
        {
            try comparePlanes(result, x, weights, bias, winograd, rectified: rectified)
        } else {
            let part = try x.samples(at: places)
            let some = filters(
                weights.shape[0], groups: groups,
                products: places.count * result.shape[2] * result.shape[3] * terms(of: weights))
            let (filters, biases) = (
                try weights.samples(at: some), try bias?.samples(at: some)
            )
            let expected = try reference.convolution(
                part, weights: filters, bias: biases, window: window, groups: groups)
            compareSums(
                try result.samples(at: places).channels(at: some),
                // What is rectified lies no further apart.
                rectified ? try reference.relu(expected) : expected,
                magnitudes: try magnitudes(part, filters, biases, window, groups),
                terms: terms(of: weights))
        }
        try checkConvolutionWholly(
            x.shape, weights.shape, isPrepacked: prepacked != nil, window, groups, rectified)
        return result
    }

    private func pooled(
        _ x: Tensor, _ weights: Tensor, _ prepacked: PrepackedFilters?, _ bias: Tensor?,
        _ window: Window, _ groups: Int, _ pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let epilogue = Epilogue(
            bias: bias, pooling: pooling, activation: rectified ? .relu : nil)
        let descriptor = ConvolutionDescriptor(window, groups: groups)
        let result = try kernels.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
        if let winograd = try kernels.winograd(
            inputShape: x.shape, weightsShape: weights.shape, window: window, groups: groups,
            pass: .forward)
        {
            try comparePlanes(
                result.output, x, weights, bias, winograd, pooling: pooling, rectified: rectified)
        } else {
            let part = try x.samples(at: places)
            let expected = try reference.convolution(
                part, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
                wantsArgmax: false
            ).output
            // Maxima lie no further apart than the numbers of a window that lie furthest apart.
            // Where two nearly tie, rounding may decide about their place; whole numbers show that
            // below.
            compareSums(
                try result.output.samples(at: places), expected,
                magnitudes: try reference.maxPooling(
                    magnitudes(part, weights, bias, window, groups), window: pooling),
                terms: terms(of: weights))
        }
        try checkPooledWholly(
            x.shape, weights.shape, isPrepacked: prepacked != nil, window, groups, pooling,
            rectified, wantsArgmax)
        return result
    }

    /// The filters, or channels, whose results are compared by their own numbers: all of them, or
    /// as many as the budget has room for.
    ///
    /// - Parameter products: multiply-adds of each.
    private func filters(_ count: Int, groups: Int, products: Int) -> [Int] {
        guard samplesFilters, groups == 1 else { return Array(0..<count) }
        return Inputs.spread(budget / products, of: count)
    }

    /// The products of a sum, and its bias.
    private func terms(of weights: Tensor) -> Int { weights.shape[1...].reduce(1, *) + 1 }

    private func magnitudes(
        _ x: Tensor, _ weights: Tensor, _ bias: Tensor?, _ window: Window, _ groups: Int
    ) throws -> Tensor {
        try reference.convolution(
            x.magnitudes(), weights: weights.magnitudes(), bias: bias?.magnitudes(),
            window: window, groups: groups)
    }

    /// Where filters are kept from call to call, the first call packs them for itself and the third
    /// finds them prepacked: both are checked.
    private func eachWay(
        isPrepacked: Bool,
        _ body: (_ prepacked: PrepackedFilters?, _ isChecked: Bool) throws -> Void
    ) throws {
        guard isPrepacked else { return try body(nil, true) }
        let prepacked = PrepackedFilters()
        for call in 1...3 { try body(prepacked, call != 2) }
    }

    private func checkConvolutionWholly(
        _ shape: [Int], _ weightsShape: [Int], isPrepacked: Bool, _ window: Window, _ groups: Int,
        _ rectified: Bool
    ) throws {
        let x = try WholeNumbers.inputs(shape, seed: 6)
        let weights = try WholeNumbers.weights(weightsShape, seed: 7)
        let bias = try WholeNumbers.biases(
            weightsShape[0], terms: weightsShape[1...].reduce(1, *))
        let expected = try reference.convolution(
            x.converted(to: .float64),
            weights: Tensor(
                shape: [groups] + weightsShape[1...],
                doubles: WholeNumbers.combined(weights, axis: 0, groups: groups)),
            bias: Tensor(
                shape: [groups], doubles: WholeNumbers.combined(bias, axis: 0, groups: groups)),
            window: window, groups: groups)
        try eachWay(isPrepacked: isPrepacked) { prepacked, isChecked in
            let y = try kernels.convolution(
                x, weights: weights, prepacked: prepacked,
                ConvolutionDescriptor(window, groups: groups),
                epilogue: Epilogue(bias: bias, activation: rectified ? .relu : nil),
                wantsArgmax: false
            ).output
            guard isChecked else { return }
            guard y.shape == [shape[0], weightsShape[0]] + expected.shape[2...] else {
                return log.check.fail()
            }
            log.check.compareExactly(
                WholeNumbers.combined(y, axis: 1, groups: groups), expected.doubles)
        }
    }

    private func checkPooledWholly(
        _ shape: [Int], _ weightsShape: [Int], isPrepacked: Bool, _ window: Window, _ groups: Int,
        _ pooling: Window, _ rectified: Bool, _ wantsArgmax: Bool
    ) throws {
        let x = try WholeNumbers.inputs(shape, seed: 6)
        let weights = try WholeNumbers.weights(weightsShape, seed: 7)
        let bias = try WholeNumbers.biases(
            weightsShape[0], terms: weightsShape[1...].reduce(1, *))
        // A maximum is no sum, so nothing can be combined.
        let descriptor = ConvolutionDescriptor(window, groups: groups)
        let epilogue = Epilogue(
            bias: bias, pooling: pooling, activation: rectified ? .relu : nil)
        let expected = try reference.convolution(
            x.samples(at: places), weights: weights, prepacked: nil, descriptor,
            epilogue: epilogue, wantsArgmax: wantsArgmax)
        try eachWay(isPrepacked: isPrepacked) { prepacked, isChecked in
            let y = try kernels.convolution(
                x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
                wantsArgmax: wantsArgmax)
            guard isChecked else { return }
            log.check.compareExactly(
                try y.output.samples(at: places).doubles, expected.output.doubles)
            try compareArgmax(y.argmax, expected.argmax)
        }
    }

    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        let (window, groups) = (descriptor.window, descriptor.groups)
        func gradient(
            _ kernels: any Kernels, _ dy: Tensor, _ weights: Tensor, channels: Int
        ) throws -> Tensor {
            try kernels.convolutionInputGradient(
                dy, weights: weights,
                inputShape: [dy.shape[0], channels, inputShape[2], inputShape[3]],
                window: window, groups: groups)
        }
        let channels = inputShape[1]
        let result = try gradient(kernels, outputGradient, weights, channels: channels)
        if let winograd = try kernels.winograd(
            inputShape: inputShape, weightsShape: weights.shape, window: window, groups: groups,
            pass: .inputGradient)
        {
            try comparePlanes(
                result, outputGradient, WinogradRounding.turned(weights, groups: groups), nil,
                winograd)
        } else {
            let part = try outputGradient.samples(at: places)
            let terms = weights.count / weights.shape[1] / groups
            let some = filters(
                channels, groups: groups,
                products: places.count * inputShape[2] * inputShape[3] * terms)
            let taps = groups == 1 ? try weights.channels(at: some) : weights
            compareSums(
                try result.samples(at: places).channels(at: some),
                try gradient(reference, part, taps, channels: some.count),
                magnitudes: try gradient(
                    reference, part.magnitudes(), taps.magnitudes(), channels: some.count),
                terms: terms)
        }

        let dy = try WholeNumbers.gradients(outputGradient.shape, seed: 8)
        let whole = try WholeNumbers.weights(weights.shape, seed: 9)
        let found = try gradient(kernels, dy, whole, channels: channels)
        guard found.shape == inputShape else {
            log.check.fail()
            return result
        }
        let combined = try Tensor(
            shape: [weights.shape[0], 1] + weights.shape[2...],
            doubles: WholeNumbers.combined(whole, axis: 1, groups: 1))
        log.check.compareExactly(
            WholeNumbers.combined(found, axis: 1, groups: groups),
            try gradient(
                reference, dy.converted(to: .float64), combined, channels: groups
            ).doubles)
        return result
    }

    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        let (window, groups) = (descriptor.window, descriptor.groups)
        let places = try window.outputSize(height: x.shape[2], width: x.shape[3])
        let shape = [x.shape[0], outputGradient.shape[1], places.height, places.width]
        return try weightGradient(outputGradient, x, window, groups) {
            try $0.convolutionWeightGradient($1, input: $2, descriptor, maxima: maxima)
        } spread: {
            guard let maxima else { return $0 }
            return try reference.maxPoolingGradient(
                $0, argmax: maxima.argmax, inputShape: shape)
        }
    }

    /// Checks the gradient of filters. spread: makes the gradient of the convolution's output from
    /// what comes from behind it.
    private func weightGradient(
        _ dy: Tensor, _ x: Tensor, _ window: Window, _ groups: Int,
        _ gradient: (_ kernels: any Kernels, _ dy: Tensor, _ x: Tensor) throws -> Tensor,
        spread: (_ dy: Tensor) throws -> Tensor
    ) throws -> Tensor {
        func exact(_ dy: Tensor, _ x: Tensor) throws -> Tensor {
            try reference.convolutionWeightGradient(dy, input: x, window: window, groups: groups)
        }
        let result = try gradient(kernels, dy, x)
        let output = try spread(dy)
        if let winograd = try kernels.winograd(
            inputShape: x.shape, weightsShape: result.shape, window: window, groups: groups,
            pass: .weightGradient)
        {
            log.check.compare(
                result,
                winograd.someTaps(x, outputGradient: output, weightsShape: result.shape))
        } else {
            // Of each group as many filters as the reference's share of the images is.
            let members = dy.shape[1] / groups
            let affordable = budget / (output.count / dy.shape[1] * terms(of: result))
            let share = members * places.count / dy.shape[0]
            let some = Inputs.spread(samplesFilters ? min(share, affordable) : share, of: members)
            let filters = (0..<groups).flatMap { group in some.map { group * members + $0 } }
            let part = try output.channels(at: filters)
            compareSums(
                try result.samples(at: filters), try exact(part, x),
                magnitudes: try exact(part.magnitudes(), x.magnitudes()),
                terms: part.count / part.shape[1])
        }

        let whole = try WholeNumbers.gradients(dy.shape, seed: 10)
        let images = try WholeNumbers.inputs(x.shape, seed: 11)
        let found = try gradient(kernels, whole, images)
        guard found.shape == result.shape else {
            log.check.fail()
            return result
        }
        let spreadOut = try spread(whole)
        let combined = try Tensor(
            shape: [dy.shape[0], groups] + spreadOut.shape[2...],
            doubles: WholeNumbers.combined(spreadOut, axis: 1, groups: groups))
        log.check.compareExactly(
            WholeNumbers.combined(found, axis: 0, groups: groups),
            try exact(combined, images.converted(to: .float64)).doubles)
        return result
    }
}
