// SPDX-License-Identifier: MIT
//
// PNG files: any bytes give an image or a `FileError`; an image becomes a tensor. libpng,
// which decodes, is the system's and not instrumented.

import ConvNet
import ConvNetImages
import Fuzzer

@_cdecl("FuzzPNG_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzPNG)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPNG(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard count < 24 || isSmall(bytes) else { return 0 }
    do {
        let image = try Image(bytes: bytes, file: "input")
        let x = try image.tensor(channels: 3, height: 3, width: 5)
        precondition(x.scalars.allSatisfy { (0...1).contains($0) })
    } catch {
        precondition(error is FileError)
    }
    return 0
}

/// Whether an image has fewer pixels than would take seconds each, or sides that are refused.
/// Larger ones are tested by hand.
private func isSmall(_ bytes: [UInt8]) -> Bool {
    func number(at place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    let (sides, width, height) = (1...Image.longestSide, number(at: 16), number(at: 20))
    guard sides.contains(width), sides.contains(height) else { return true }
    return width * height <= 1 << 16
}
