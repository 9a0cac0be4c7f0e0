// SPDX-License-Identifier: MIT
//
// How well a file of parameters suits a network, by names.

/// What a file had that its network does not name, and what it lacked.
public struct ParameterMatch: Sendable, Hashable, CustomStringConvertible {
    /// The file's tensors that were ignored, in order of their names.
    public let ignored: [String]
    /// The network's parameters and buffers that the file lacks; they stay as they were.
    public let missing: [String]

    /// Whether names are the same.
    public var isExact: Bool { ignored.isEmpty && missing.isEmpty }

    /// One line: `ignored fc.bias, fc.weight; missing, and left as it was: b2`.
    public var description: String {
        if isExact { return "nothing was ignored, nothing is missing" }
        var parts: [String] = []
        if !ignored.isEmpty { parts.append("ignored \(Self.list(ignored))") }
        if !missing.isEmpty {
            let verb = missing.count == 1 ? "was" : "were"
            let pronoun = missing.count == 1 ? "it" : "they"
            parts.append(
                "missing, and left as \(pronoun) \(verb): \(Self.list(missing))")
        }
        return parts.joined(separator: "; ")
    }

    /// Names for a message; an untrusted file may have a million of them.
    static func list(_ names: [String]) -> String {
        let most = 50
        let rest = names.count > most ? " and \(names.count - most) more" : ""
        return names.prefix(most).joined(separator: ", ") + rest
    }
}
