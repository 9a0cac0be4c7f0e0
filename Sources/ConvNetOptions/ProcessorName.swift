// SPDX-License-Identifier: MIT
//
// What the CPU calls itself.

import Foundation

package enum ProcessorName {
    /// The model name that Linux tells, or the architecture where it tells none.
    package static var current: String {
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
