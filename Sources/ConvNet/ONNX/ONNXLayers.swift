// SPDX-License-Identifier: MIT
//
// What each of the package's layers is in ONNX (https://onnx.ai/onnx/operators). Where the two
// differ in more than names, the reason stands there.

extension Affine: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        graph.addFlatten(unlessRows: inputShape)
        let tensors = try namedParameters.map { try graph.add($0) }
        graph.add("Gemm", tensors)
    }
}

extension ActivationLayer where Self: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        var steps = 0
        _ = try add(activation.onnx, to: &graph, isLast: true, steps: &steps)
    }

    /// Adds an expression's operators, the inner ones first.
    ///
    /// - Returns: the name of its value.
    private func add(
        _ expression: ActivationExpression, to graph: inout ONNXGraph, isLast: Bool,
        steps: inout Int
    ) throws -> String {
        switch expression {
        case .x: return graph.inputs[0]
        case .constant(let number):
            steps += 1
            return try graph.addConstant(
                "constant\(steps)", Tensor(shape: [], repeating: number))
        case .apply(let operation, let operands, let attributes):
            var inputs: [String] = []
            for operand in operands {
                inputs.append(try add(operand, to: &graph, isLast: false, steps: &steps))
            }
            steps += 1
            graph.add(
                operation, on: inputs[0], Array(inputs.dropFirst()),
                step: isLast ? nil : "step\(steps)",
                attributes.map { ($0.name, .float($0.value)) })
            return graph.value
        }
    }
}

extension Activation: ONNXLayer {}

extension Addition: ONNXLayer {
    /// ONNX's Add has two inputs, Sum any number.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add(
            graph.inputs.count == 2 ? "Add" : "Sum", on: graph.inputs[0],
            Array(graph.inputs.dropFirst()))
    }
}

extension Convolution: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let tensors = try namedParameters.map { try graph.add($0) }
        let pads = try window.onnxPads(coveringEveryPlaceOf: inputShape)
        graph.add(
            "Conv", tensors,
            window.onnxAttributes(pads: pads) + [
                ("dilations", .ints([window.dilation.height, window.dilation.width])),
                ("group", .int(groups)),
            ])
    }
}

extension MaxPooling: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        var pads = try window.onnxPads(coveringEveryPlaceOf: inputShape)
        // MaxPool takes no padding as large as the window: ceil mode and dilation may need it.
        if pads.bottom >= window.size.height || pads.right >= window.size.width {
            let sides = graph.addIntegers(
                "pads", [0, 0, pads.top, pads.left, 0, 0, pads.bottom, pads.right])
            let least = try graph.addConstant(
                "least", Tensor(shape: [], repeating: -Double.infinity))
            graph.add("Pad", [sides, least], step: "padded")
            pads = 0
        }
        graph.add(
            "MaxPool", [],
            window.onnxAttributes(pads: pads) + [
                ("dilations", .ints([window.dilation.height, window.dilation.width]))
            ])
    }
}

extension AveragePooling: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        if window.dilation == 1, !window.usesCeilMode {
            let counts = ("count_include_pad", ONNXAttribute.int(countIncludePad ? 1 : 0))
            graph.add("AveragePool", [], window.onnxAttributes(pads: window.padding) + [counts])
        } else {
            try exportAsSums(to: &graph, inputShape: inputShape)
        }
    }

    /// AveragePool knows no dilation before version 19 of the operators, and runtimes
    /// disagree about what counts in ceil mode. Sums under the window and a division by what
    /// counts are the same.
    private func exportAsSums(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let ones = try graph.addConstant(
            "ones",
            Tensor(
                shape: [inputShape[1], 1, window.size.height, window.size.width], repeating: 1))
        let pads = try window.onnxPads(coveringEveryPlaceOf: inputShape)
        graph.add(
            "Conv", [ones], step: "sums",
            window.onnxAttributes(pads: pads) + [
                ("dilations", .ints([window.dilation.height, window.dilation.width])),
                ("group", .int(inputShape[1])),
            ])
        let (rows, columns) = try counts(inputShape)
        let products = rows.flatMap { row in columns.map { Float(row * $0) } }
        let divisors = try graph.addConstant(
            "counts", Tensor(shape: [1, 1, rows.count, columns.count], scalars: products))
        graph.add("Div", [divisors])
    }

    /// How many taps count at each place along each axis.
    private func counts(_ inputShape: [Int]) throws -> (rows: [Int], columns: [Int]) {
        let places = try window.outputSize(height: inputShape[2], width: inputShape[3])
        func along(
            places: Int, extent: Int, before: Int, after: Int, size: Int, stride: Int, dilation: Int
        ) -> [Int] {
            let counted =
                countIncludePad ? -before..<extent + after : 0..<extent
            return (0..<places).map { place in
                (0..<size).count { counted.contains(place * stride + $0 * dilation - before) }
            }
        }
        return (
            along(
                places: places.height, extent: inputShape[2], before: window.padding.top,
                after: window.padding.bottom, size: window.size.height,
                stride: window.stride.height, dilation: window.dilation.height),
            along(
                places: places.width, extent: inputShape[3], before: window.padding.left,
                after: window.padding.right, size: window.size.width,
                stride: window.stride.width, dilation: window.dilation.width)
        )
    }
}

extension Dropout: ONNXLayer {
    /// Nothing: prediction drops nothing.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {}
}

extension LocalResponseNormalization: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        // Both divide alpha by the size. Of an even size ONNX has the odd neighbour behind the
        // channel, PyTorch and this package have it before.
        if settings.size % 2 == 1, inputShape.count == 4 {
            graph.add(
                "LRN", [],
                [
                    ("size", .int(settings.size)), ("alpha", .float(settings.alpha)),
                    ("beta", .float(settings.beta)), ("bias", .float(settings.k)),
                ])
        } else {
            try exportStepByStep(to: &graph, inputShape: inputShape)
        }
    }

    /// x / (k + alpha/size · Σ x²)^beta, the sum being a product with a band matrix of channels.
    private func exportStepByStep(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let (x, channels) = (graph.value, inputShape[1])
        let factor = Float(settings.alpha / Double(settings.size))
        let band = (0..<channels).flatMap { channel in
            let first = channel - settings.size / 2
            return (0..<channels).map { (first..<first + settings.size).contains($0) ? factor : 0 }
        }
        let ones = [Int](repeating: 1, count: inputShape.count - 2)
        let weights = try graph.addConstant(
            "band", Tensor(shape: [channels, channels] + ones, scalars: band))
        let bias = try graph.addConstant(
            "k", Tensor(shape: [channels], repeating: settings.k))
        let beta = try graph.addConstant("beta", Tensor(shape: [], repeating: settings.beta))
        graph.add("Mul", [x], step: "squares")
        if inputShape.count == 2 {
            graph.add("Gemm", [weights, bias], step: "sums", [("transB", .int(1))])
        } else {
            graph.add("Conv", [weights, bias], step: "sums")
        }
        graph.add("Pow", [beta], step: "scales")
        let scales = graph.value
        graph.add("Div", on: x, [scales])
    }
}

extension ReLU: ONNXLayer {}

extension Sigmoid: ONNXLayer {}

extension Tanh: ONNXLayer {}

extension LeakyReLU: ONNXLayer {}

extension Flatten: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add("Flatten", [], [("axis", .int(1))])
    }
}

extension GlobalAveragePooling: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) { graph.add("GlobalAveragePool") }
}

extension GlobalMaxPooling: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) { graph.add("GlobalMaxPool") }
}

extension BatchNormalization: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        // Gamma, beta, mean and variance: ONNX has them in the same order.
        let tensors = try (namedParameters + namedBuffers).map { try graph.add($0) }
        graph.add("BatchNormalization", tensors, [("epsilon", .float(epsilon))])
    }
}

extension Window {
    /// Size, stride and padding under ONNX's names.
    func onnxAttributes(pads: Padding) -> [(name: String, value: ONNXAttribute)] {
        [
            ("kernel_shape", .ints([size.height, size.width])),
            ("strides", .ints([stride.height, stride.width])),
            ("pads", .ints([pads.top, pads.left, pads.bottom, pads.right])),
        ]
    }

    /// The padding with which places are counted without ceil mode and are as many as with it: the
    /// last one ends where the padding does. Conv knows no ceil mode, and with that of MaxPool the
    /// last place may begin beyond the image, which is PyTorch's rule no more than ours.
    fileprivate func onnxPads(coveringEveryPlaceOf inputShape: [Int]) throws -> Padding {
        guard usesCeilMode else { return padding }
        let places = try outputSize(height: inputShape[2], width: inputShape[3])
        var pads = padding
        let bottom = (places.height - 1) * stride.height + dilation.height * (size.height - 1) + 1
        let right = (places.width - 1) * stride.width + dilation.width * (size.width - 1) + 1
        pads.bottom = max(0, bottom - padding.top - inputShape[2])
        pads.right = max(0, right - padding.left - inputShape[3])
        return pads
    }
}
