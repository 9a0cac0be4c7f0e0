// SPDX-License-Identifier: MIT
//
// JPEG files: any bytes give an image or a `FileError`, in full and decoded smaller; an image can
// be scaled. libjpeg-turbo, which decodes, is the system's and not instrumented.

import ConvNet
import ConvNetImages
import Fuzzer

@_cdecl("FuzzJPEG_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzJPEG)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzJPEG(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard isSmall(bytes) else { return 0 }
    for covering in [nil, ImageSize(width: 3, height: 2)] {
        do {
            let image = try Image(bytes: bytes, file: "input", covering: covering)
            precondition(image.bytes.count == image.width * image.height * image.channels)
            let scaled = try image.resized(width: 5, height: 3, filter: .bicubic)
            precondition(scaled.bytes.count == 15 * image.channels)
        } catch {
            precondition(error is FileError)
        }
    }
    return 0
}

/// Whether no header in it claims an image that would take a second, and is not refused. Larger
/// ones are tested by hand.
private func isSmall(_ bytes: [UInt8]) -> Bool {
    let sides = 1...Image.longestSide
    return bytes.indices.dropLast(8).allSatisfy { place in
        guard bytes[place] == 0xFF, (0xC0...0xCF).contains(bytes[place + 1]) else { return true }
        let height = Int(bytes[place + 5]) << 8 | Int(bytes[place + 6])
        let width = Int(bytes[place + 7]) << 8 | Int(bytes[place + 8])
        guard sides.contains(width), sides.contains(height) else { return true }
        return width * height <= 1 << 16
    }
}
