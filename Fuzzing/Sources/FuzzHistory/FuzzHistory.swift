// SPDX-License-Identifier: MIT
//
// Training histories in JSON: any bytes give a history or a `DecodingError`, and a history written
// and read again has the same losses.

import ConvNet
import Foundation
import Fuzzer

@_cdecl("FuzzHistory_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzHistory)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzHistory(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let data = Data(UnsafeBufferPointer(start: start, count: count))
    do {
        let history = try TrainingHistory(jsonData: data)
        let again = try TrainingHistory(jsonData: history.jsonData())
        precondition(again.stepLosses == history.stepLosses)
    } catch {
        precondition(error is DecodingError)
    }
    return 0
}
