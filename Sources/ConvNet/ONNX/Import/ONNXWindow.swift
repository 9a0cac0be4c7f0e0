// SPDX-License-Identifier: MIT
//
// The attributes of an operator with a window, whichever way a file gives them.

/// The window of an operator, along the axes of pixels: two, or three of volumes.
struct ONNXWindow {
    private(set) var size: [Int]
    private(set) var strides: [Int]
    private(set) var dilations: [Int]
    /// Before each axis, then behind each.
    private(set) var pads: [Int]
    let usesCeilMode: Bool

    /// - Parameters:
    ///   - shape: the images', `[N, C, H, W]`, or the volumes', `[N, C, D, H, W]`.
    ///   - size: that of the weights, where there are some.
    init(_ node: ONNXNodeView, shape: [Int], size: [Int]? = nil) throws {
        let axes = shape.count - 2
        func each(_ name: String, _ standard: Int) throws -> [Int] {
            guard let numbers = try node.ints(name), !numbers.isEmpty else {
                return [Int](repeating: standard, count: axes)
            }
            guard numbers.count == axes || (axes == 2 && numbers.count == 1),
                numbers.allSatisfy({ (1...1 << 20).contains($0) })
            else {
                throw ONNXRefusal(
                    name, "\(numbers)", expected: "one number of at least 1 for each axis")
            }
            // A single axis is the width of a row.
            return numbers.count < axes ? [standard, numbers[0]] : numbers
        }
        let given = try each("kernel_shape", 1)
        guard size != nil || node.has("kernel_shape") else {
            throw ONNXRefusal("kernel_shape", "missing", expected: "the window's size")
        }
        guard size == nil || !node.has("kernel_shape") || given == size else {
            throw ONNXRefusal("kernel_shape", "\(given)", expected: "\(size ?? []), the weights'")
        }
        self.size = size ?? given
        strides = try each("strides", 1)
        dilations = try each("dilations", 1)
        usesCeilMode = try node.flag("ceil_mode")
        let none = [Int](repeating: 0, count: 2 * axes)
        var pads = try node.ints("pads") ?? none
        if pads.count == 2, axes == 2 { pads = [0, pads[0], 0, pads[1]] }
        if pads.isEmpty { pads = none }
        guard pads.count == 2 * axes, pads.allSatisfy({ (0...Shape.largestExtent).contains($0) })
        else {
            throw ONNXRefusal(
                "pads", "\(pads)", expected: "two numbers of at least 0 for each axis")
        }
        let rule = try node.text("auto_pad", "NOTSET")
        switch rule {
        case "NOTSET", "": self.pads = pads
        case "VALID": self.pads = none
        case "SAME_UPPER", "SAME_LOWER":
            self.pads = none
            for axis in 0..<axes {
                let places = (shape[axis + 2] + strides[axis] - 1) / strides[axis]
                let reach = dilations[axis] * (self.size[axis] - 1) + 1
                let total = max((places - 1) * strides[axis] + reach - shape[axis + 2], 0)
                let small = total / 2
                self.pads[axis] = rule == "SAME_UPPER" ? small : total - small
                self.pads[axis + axes] = total - self.pads[axis]
            }
        default:
            throw ONNXRefusal(
                "auto_pad", rule, expected: "NOTSET, VALID, SAME_UPPER or SAME_LOWER")
        }
    }

    /// The window along the depth of volumes, as that of images whose width it leaves alone.
    var depth: ONNXWindow {
        var window = self
        window.size = [size[0], 1]
        window.strides = [strides[0], 1]
        window.dilations = [dilations[0], 1]
        window.pads = [pads[0], 0, pads[3], 0]
        return window
    }

    /// The window of the images that a volume consists of.
    var plane: ONNXWindow {
        var window = self
        window.size.removeFirst()
        window.strides.removeFirst()
        window.dilations.removeFirst()
        window.pads = [pads[1], pads[2], pads[4], pads[5]]
        return window
    }

    /// Whether there is more padding than the kernels take: half of the window.
    var isPaddedWidely: Bool {
        (0..<4).contains { 2 * pads[$0] > size[$0 % 2] }
    }

    /// The padding on each side, which is done by then.
    mutating func takePadding() -> [Int] {
        defer { pads = [0, 0, 0, 0] }
        return pads
    }

    /// The window.
    func window() throws -> Window {
        try Window(
            size: PerAxis(height: size[0], width: size[1]),
            stride: PerAxis(height: strides[0], width: strides[1]),
            padding: Padding(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3]),
            dilation: PerAxis(height: dilations[0], width: dilations[1]),
            ceilMode: usesCeilMode)
    }

    /// Sets the padding of a transposed convolution, whose output size is given or follows.
    ///
    /// - Returns: what the output has more below and on the right.
    mutating func transposed(_ node: ONNXNodeView, shape: [Int]) throws -> [Int] {
        let axes = size.count
        func each(_ name: String) throws -> [Int]? {
            guard let numbers = try node.ints(name), !numbers.isEmpty else { return nil }
            let own = Array(numbers.suffix(axes))
            guard own.allSatisfy({ (0...Shape.largestExtent).contains($0) }) else {
                throw ONNXRefusal(name, "\(numbers)", expected: "numbers of at least 0")
            }
            guard own.count == axes || (axes == 2 && own.count == 1) else {
                throw ONNXRefusal(name, "\(numbers)", expected: "\(axes) numbers")
            }
            return own.count < axes ? [name == "output_shape" ? 1 : 0, own[0]] : own
        }
        var more = try each("output_padding") ?? [Int](repeating: 0, count: axes)
        let rule = try node.text("auto_pad", "NOTSET")
        let isSame = rule.hasPrefix("SAME")
        var target = try each("output_shape")
        if target == nil, isSame {
            target = (0..<axes).map { shape[$0 + 2] * strides[$0] }
        }
        guard let target else { return more }
        for axis in 0..<axes {
            let reach = dilations[axis] * (size[axis] - 1) + 1
            let full = (shape[axis + 2] - 1) * strides[axis] + reach + more[axis]
            let total = full - target[axis]
            guard total >= 0 else {
                // What the window does not reach is the bias alone.
                more[axis] -= total
                (pads[axis], pads[axis + axes]) = (0, 0)
                continue
            }
            let small = total / 2
            pads[axis] = rule == "SAME_UPPER" ? small : total - small
            pads[axis + axes] = total - pads[axis]
        }
        return more
    }
}
