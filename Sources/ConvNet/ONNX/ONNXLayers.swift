// SPDX-License-Identifier: MIT
//
// What each of the package's layers is in ONNX (https://onnx.ai/onnx/operators). Where the two differ
// in more than names, the reason stands there.

extension Affine: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        graph.addFlatten(unlessRows: inputShape)
        let tensors = try parameters.map { try graph.add($0) }
        graph.add("Gemm", tensors)
    }
}

extension Convolution: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let tensors = try parameters.map { try graph.add($0) }
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
        try graph.add(
            "MaxPool", [],
            window.onnxAttributes(pads: window.onnxPads(coveringEveryPlaceOf: inputShape)) + [
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

    /// AveragePool knows no dilation before version 19 of the operators, and runtimes disagree about
    /// what counts in ceil mode. Sums under the window and a division by what counts are the same.
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

extension ReLU: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws { graph.add("Relu") }
}

extension Sigmoid: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws { graph.add("Sigmoid") }
}

extension Window {
    /// Size, stride and padding under ONNX's names.
    fileprivate func onnxAttributes(pads: Padding) -> [(name: String, value: ONNXAttribute)] {
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
