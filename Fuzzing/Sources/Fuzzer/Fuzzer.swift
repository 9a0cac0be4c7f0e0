// SPDX-License-Identifier: MIT
//
// libFuzzer's driver under the name that SwiftPM gives each executable's main function. What an
// executable runs for each input is named LLVMFuzzerTestOneInput all the same: libFuzzer's own
// main, which lies in its library too, asks for that name.

/// What is run for each input: its start and its size; returns 0.
public typealias FuzzedInput = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

/// A command line, as C has it.
public typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ body: FuzzedInput
) -> CInt

/// Runs libFuzzer with the options of a command line.
public func fuzz(_ count: CInt, _ arguments: Arguments, _ body: FuzzedInput) -> CInt {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments, body)
}
