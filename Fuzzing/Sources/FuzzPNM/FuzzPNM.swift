// SPDX-License-Identifier: MIT
//
// PPM and PGM files: any bytes give an image or a `FileError`; an image becomes gray and a tensor.

import ConvNet
import ConvNetImages
import Fuzzer

@_cdecl("FuzzPNM_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzPNM)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPNM(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    do {
        let image = try Image(bytes: bytes, file: "input")
        precondition(image.bytes.count == image.width * image.height * image.channels)
        let x = try image.converted(toChannels: 1).tensor()
        precondition(x.scalars.allSatisfy { (0...1).contains($0) })
    } catch {
        precondition(error is FileError)
    }
    return 0
}
