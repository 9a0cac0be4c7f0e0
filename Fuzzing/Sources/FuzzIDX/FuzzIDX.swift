// SPDX-License-Identifier: MIT
//
// IDX files, plain and gzip: any bytes give contents or an `FileError`.

import ConvNetData
import Fuzzer

@_cdecl("FuzzIDX_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzIDX)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzIDX(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    do throws(FileError) {
        let contents = try IDX.decode(bytes, file: "input")
        precondition(contents.shape.reduce(1, *) == contents.bytes.count)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
