// SPDX-License-Identifier: MIT
//
// What the CPU calls itself.

import Foundation

package enum ProcessorName {
    /// The model name that the system gives, or the architecture where it gives none.
    package static var current: String {
        #if canImport(Darwin)
            var length = 0
            if sysctlbyname("machdep.cpu.brand_string", nil, &length, nil, 0) == 0 {
                var name = [UInt8](repeating: 0, count: length)
                if sysctlbyname("machdep.cpu.brand_string", &name, &length, nil, 0) == 0 {
                    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                }
            }
        #endif
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        guard let name = line?.split(separator: ":").last else {
            #if arch(arm64)
                return "aarch64"
            #else
                return "unknown"
            #endif
        }
        return name.trimmingCharacters(in: .whitespaces)
    }
}
