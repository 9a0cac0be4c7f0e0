// SPDX-License-Identifier: MIT
//
// What a process looks like from outside the library: its environment, OpenMP's settings, the modes
// of its floating-point unit, the processor time it has used.

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a library has no business to change in a process that uses it.
struct ProcessState {
    let environment: [String: String]
    /// OpenMP's settings, from the function that returns them.
    let openMP: [String: Int32]
    let signalHandlers: [UInt]
    let signalMask: [UInt8]
    /// Whether a denormal number survives arithmetic.
    let keepsDenormals: Bool
    let roundingMode: Int32

    init() {
        environment = Self.readEnvironment()
        var settings: [String: Int32] = [:]
        for name in [
            "omp_get_max_threads", "omp_get_dynamic", "omp_get_max_active_levels",
            "omp_get_thread_limit", "omp_get_nested",
        ] {
            typealias Getter = @convention(c) () -> Int32
            guard let address = dlsym(nil, name) else { continue }
            settings[name] = unsafeBitCast(address, to: Getter.self)()
        }
        openMP = settings
        signalHandlers = (1...31).map { signal in
            var action = sigaction()
            sigaction(Int32(signal), nil, &action)
            // The handler alone: glibc leaves a part of the rest as it was in memory.
            return withUnsafeBytes(of: &action) { $0.load(as: UInt.self) }
        }
        var mask = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &mask)
        signalMask = withUnsafeBytes(of: &mask) { Array($0) }
        // The compiler can't know the factor, so it can't work this out by itself.
        keepsDenormals = Float.leastNormalMagnitude * (environment.isEmpty ? 1 : 0.5) > 0
        roundingMode = Int32(fegetround())
    }

    /// What is not as it was before, for people.
    func changes(since before: ProcessState) -> [String] {
        var changes: [String] = []
        let names = Set(environment.keys).union(before.environment.keys)
        for name in names.sorted() where environment[name] != before.environment[name] {
            changes.append("environment: \(name)")
        }
        for (name, value) in openMP where before.openMP[name] != value {
            changes.append("\(name): \(before.openMP[name] ?? -1), then \(value)")
        }
        for (place, handler) in signalHandlers.enumerated()
        where before.signalHandlers[place] != handler {
            changes.append("handler of signal \(place + 1)")
        }
        if signalMask != before.signalMask { changes.append("signal mask") }
        if keepsDenormals != before.keepsDenormals { changes.append("denormals") }
        if roundingMode != before.roundingMode { changes.append("rounding mode") }
        return changes
    }

    /// The environment as it is now, in C's own array.
    private static func readEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            variables[String(name)] = String(text.dropFirst(name.count + 1))
            place += 1
        }
        return variables
    }

    /// The processor time that the process has used, in seconds.
    static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
