// SPDX-License-Identifier: MIT
//
// Safetensors: any bytes give tensors or a `ParameterFileError`; what was read is written and read
// again as the same.

import ConvNet
import Foundation
import Fuzzer

@_cdecl("FuzzSafetensors_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzSafetensors)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSafetensors(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let data = Data(UnsafeBufferPointer(start: start, count: count))
    do {
        let contents = try Safetensors.contents(of: data, file: "input")
        let bytes = contents.tensors.reduce(0) { $0 + $1.value.count * 4 }
        precondition(bytes <= count)
        let again = try Safetensors.contents(
            of: Safetensors.encode(contents.tensors, metadata: contents.metadata), file: "again")
        precondition(again.metadata == contents.metadata)
        precondition(again.tensors.map(\.name) == contents.tensors.map(\.name))
        precondition(again.tensors.map(\.value.shape) == contents.tensors.map(\.value.shape))
    } catch {
        precondition(error is ParameterFileError)
    }
    return 0
}
