// SPDX-License-Identifier: MIT
//
// NumPy's `.npz` files: any bytes give arrays, each name once, or a `FileError`.

import ConvNet
import ConvNetData
import Fuzzer

@_cdecl("FuzzNPZ_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzNPZ)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzNPZ(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    do throws(FileError) {
        let arrays = try NumPy.arrays(bytes: bytes, file: "input")
        precondition(Set(arrays.map(\.name)).count == arrays.count)
        for (_, array) in arrays { precondition(array.shape.reduce(1, *) == array.count) }
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
