// SPDX-License-Identifier: MIT
//
// NumPy's `.npy` files: any bytes give a tensor or a `FileError`.

import ConvNet
import ConvNetData
import Fuzzer

@_cdecl("FuzzNPY_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzNPY)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzNPY(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    do throws(FileError) {
        let array = try NumPy.array(bytes: bytes, file: "input")
        precondition(array.shape.reduce(1, *) == array.count)
        // No number takes less than a byte in the file.
        precondition(array.count <= count)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
