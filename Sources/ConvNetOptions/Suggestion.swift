// SPDX-License-Identifier: MIT
//
// What may have been meant by an unknown word.

package enum Suggestion {
    /// The known word that is nearest to another one: at most a third of its letters, and no more
    /// than three, have to be changed, left out or added; or it begins with it.
    ///
    /// - Returns: nil where none is near.
    package static func nearest(to word: String, among known: [String]) -> String? {
        guard word.count <= 64 else { return nil }
        let distances = known.map { (word: $0, distance: distance(word, $0)) }
        if let best = distances.min(by: { $0.distance < $1.distance }),
            best.distance <= min(max(best.word.count / 3, 1), 3)
        {
            return best.word
        }
        return word.count < 3 ? nil : known.first { $0.hasPrefix(word) }
    }

    /// "did you mean …? " or nothing.
    package static func question(
        _ word: String, among known: [String], shownAs name: (String) -> String = { $0 }
    ) -> String {
        nearest(to: word, among: known).map { "did you mean \(name($0))? " } ?? ""
    }

    /// How many letters have to be changed, left out, added, or exchanged with their neighbour
    /// (Damerau, 1964; each letter once).
    static func distance(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first), Array(second))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(rows[i][j + 1], row[j]) + 1
                best = min(best, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
