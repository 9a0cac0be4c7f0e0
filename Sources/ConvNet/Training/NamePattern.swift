// SPDX-License-Identifier: MIT
//
// Names that are meant by a pattern.

/// A pattern of names: `*` stands for any characters, `?` for one.
struct NamePattern: Sendable, Hashable {
    /// The pattern as it was written.
    let text: String

    init(_ text: String) { self.text = text }

    /// Whether a name is meant.
    func matches(_ name: String) -> Bool {
        let (pattern, name) = (Array(text), Array(name))
        // Where the last star stands, and how far it reaches so far.
        var (p, n, star, reach) = (0, 0, -1, 0)
        while n < name.count {
            if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n], pattern[p] != "*" {
                (p, n) = (p + 1, n + 1)
            } else if p < pattern.count, pattern[p] == "*" {
                (star, reach) = (p, n)
                p += 1
            } else if star >= 0 {
                reach += 1
                (p, n) = (star + 1, reach)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
