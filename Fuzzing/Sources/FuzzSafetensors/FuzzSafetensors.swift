// SPDX-License-Identifier: MIT
//
// Safetensors: any bytes give tensors or a `FileError`; what was read is written and read
// again as the same. Whole numbers are handed out as such, or refused by name.

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
        // Numbers of 16 bits become twice as long.
        let bytes = contents.tensors.reduce(0) { $0 + $1.value.count * 4 }
        precondition(bytes <= 2 * count)
        precondition(contents.tensors.count <= contents.entries.count)
        try lookAtIntegers(contents)
        let again = try Safetensors.contents(
            of: Safetensors.encode(contents.tensors, metadata: contents.metadata), file: "again")
        precondition(again.metadata == contents.metadata)
        precondition(again.tensors.map(\.name) == contents.tensors.map(\.name))
        precondition(again.tensors.map(\.value.shape) == contents.tensors.map(\.value.shape))
    } catch {
        precondition(error is FileError)
    }
    return 0
}

/// Each entry is of floating-point numbers, of whole numbers, or neither.
private func lookAtIntegers(_ contents: Safetensors.Contents) throws {
    for entry in contents.entries {
        let (tensor, integers) = (try? entry.tensor(), try? entry.integers())
        precondition(tensor == nil || integers == nil)
        guard let integers else { continue }
        precondition(integers.shape == entry.shape)
        if let numbers = try? integers.numbers(as: Int8.self) {
            precondition(numbers.count == integers.count)
        }
        if let booleans = try? integers.booleans() {
            precondition(booleans.count == integers.count)
        }
    }
}
