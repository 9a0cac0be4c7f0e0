// SPDX-License-Identifier: MIT
//
// The places that windows take, against a table worked by hand (PyTorch gives the same).

import ConvNetTensor
import Testing

@Suite struct WindowTests {
    struct Row: Sendable {
        let extent, size, stride: Int
        var before = 0
        var after = 0
        var dilation = 1
        var ceil = false
        let places: Int
    }

    static let table = [
        Row(extent: 28, size: 5, stride: 1, places: 24),
        Row(extent: 28, size: 5, stride: 1, before: 2, after: 2, places: 28),
        Row(extent: 227, size: 11, stride: 4, places: 55),
        Row(extent: 7, size: 3, stride: 2, places: 3),
        Row(extent: 8, size: 3, stride: 2, places: 3),
        Row(extent: 8, size: 3, stride: 2, ceil: true, places: 4),
        Row(extent: 7, size: 3, stride: 2, ceil: true, places: 3),
        // The last place would start beyond the image and the padding before it: it does not count.
        Row(extent: 4, size: 1, stride: 3, before: 0, after: 0, ceil: true, places: 2),
        Row(extent: 3, size: 2, stride: 2, before: 1, after: 1, ceil: true, places: 2),
        Row(extent: 5, size: 2, stride: 5, before: 1, after: 1, ceil: true, places: 2),
        // A window larger than the padded image by less than a stride has its one place.
        Row(extent: 2, size: 3, stride: 2, ceil: true, places: 1),
        Row(extent: 1, size: 7, stride: 7, ceil: true, places: 1),
        Row(extent: 1, size: 5, stride: 3, before: 1, after: 1, ceil: true, places: 1),
        Row(extent: 5, size: 3, stride: 3, dilation: 3, ceil: true, places: 1),
        Row(extent: 9, size: 3, stride: 1, dilation: 4, places: 1),
        Row(extent: 10, size: 3, stride: 2, dilation: 3, places: 2),
        Row(extent: 5, size: 3, stride: 1, before: 2, after: 0, places: 5),
        Row(extent: 5, size: 3, stride: 1, before: 0, after: 3, places: 6),
        Row(extent: 1, size: 1, stride: 7, places: 1),
    ]

    @Test(arguments: table)
    func placesAreAsInTheTable(_ row: Row) throws {
        let vertical = try Window(
            size: PerAxis(height: row.size, width: 1),
            stride: PerAxis(height: row.stride, width: 1),
            padding: Padding(top: row.before, bottom: row.after, left: 0, right: 0),
            dilation: PerAxis(height: row.dilation, width: 1), ceilMode: row.ceil)
        #expect(try vertical.outputSize(height: row.extent, width: 3).height == row.places)
        let horizontal = try Window(
            size: PerAxis(height: 1, width: row.size),
            stride: PerAxis(height: 1, width: row.stride),
            padding: Padding(top: 0, bottom: 0, left: row.before, right: row.after),
            dilation: PerAxis(height: 1, width: row.dilation), ceilMode: row.ceil)
        #expect(try horizontal.outputSize(height: 3, width: row.extent).width == row.places)
    }

    @Test func aWindowLargerThanItsImageIsNamed() throws {
        let error = #expect(throws: TensorError.self) {
            try Window(3, padding: 1, dilation: 4).outputSize(height: 6, width: 9)
        }
        #expect(
            error?.description == "Window: window is 9×9, expected at most the padded input's 8×11")
    }

    /// By a stride or more PyTorch refuses it too.
    @Test func inCeilModeAWindowMayBeLargerByLessThanAStride() throws {
        let error = #expect(throws: TensorError.self) {
            try Window(3, stride: 2, ceilMode: true).outputSize(height: 2, width: 1)
        }
        #expect(
            error?.description
                == "Window: window is 3×3, expected at most the padded input's 2×1, or larger by less "
                + "than the stride of 2×2")
        #expect(throws: TensorError.self) {
            try Window(3, stride: 2).outputSize(height: 2, width: 2)
        }
    }

    @Test func literalsStandForBothAxes() throws {
        let window = try Window(height: 3, width: 5, stride: 2, padding: 1)
        #expect(window.stride == PerAxis(height: 2, width: 2))
        #expect(window.padding == Padding(top: 1, bottom: 1, left: 1, right: 1))
        #expect(window.size == PerAxis(height: 3, width: 5))
    }

    @Test(arguments: [0, -1, Int.min, Int.max])
    func impossibleGeometriesAreRefused(_ value: Int) {
        #expect(throws: TensorError.self) { try Window(value) }
        #expect(throws: TensorError.self) { try Window(3, stride: value) }
        #expect(throws: TensorError.self) { try Window(3, dilation: value) }
        if value != 0 {
            #expect(throws: TensorError.self) { try Window(3, padding: value) }
        }
        #expect(throws: TensorError.self) { try Window(1).outputSize(height: value, width: 1) }
    }

    @Test func theLargestGeometryDoesNotOverflow() throws {
        let most = Int(Int32.max)
        let window = try Window(most, stride: most, padding: most, dilation: most)
        #expect(throws: TensorError.self) { try window.outputSize(height: most, width: most) }
        let wide = try Window(1, stride: 1, padding: most)
        #expect(try wide.outputSize(height: most, width: 1).height == 3 * most)
    }

    /// Against going through places and taps one by one.
    @Test func placesWithoutAPixelAreFoundWithoutLookingAtEach() {
        for extent in 1...5 {
            for size in 1...4 {
                for (before, after) in [(0, 0), (size / 2, 0), (0, size / 2), (size / 2, size / 2)]
                {
                    for stride in 1...4 {
                        for dilation in 1...7 {
                            let room = extent + before + after - dilation * (size - 1) - 1
                            guard room > -stride else { continue }
                            let most = (room + stride - 1) / stride + 1
                            for places in room < 0 ? [most] : [room / stride + 1, most] {
                                let slow = (0..<places).allSatisfy { place in
                                    (0..<size).contains {
                                        (0..<extent).contains(
                                            place * stride + $0 * dilation - before)
                                    }
                                }
                                let fast = KernelChecks.everyPlaceSeesAPixel(
                                    places: places, extent: extent, before: before, size: size,
                                    stride: stride, dilation: dilation)
                                #expect(
                                    fast == slow,
                                    "\(extent) \(size) \(before) \(stride) \(dilation) \(places)")
                            }
                        }
                    }
                }
            }
        }
    }

    /// 2³⁰ taps in the padding before the first pixel, a thousand times: seconds each, one by one.
    @Test func hugeWindowsAreCheckedAtOnce() throws {
        let size = (1 << 30) - 1
        let window = try Window(size, padding: size / 2)
        for _ in 0..<1000 {
            _ = try KernelChecks.pooling(
                inputShape: [1, 1, 1, 1], window: window, operation: "test")
        }
    }
}
