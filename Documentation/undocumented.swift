// SPDX-License-Identifier: MIT
//
// Names the public symbols of this package that symbol graphs show without documentation, and fails
// where there are some: swift undocumented.swift FILE.symbols.json…

import Foundation

private struct SymbolGraph: Decodable {
    struct Symbol: Decodable {
        struct Comment: Decodable {
            struct Line: Decodable { let text: String }
            let lines: [Line]
        }
        struct Location: Decodable { let uri: String }
        let pathComponents: [String]
        let docComment: Comment?
        // Nil where the compiler made the symbol, such as == of a type that is Equatable.
        let location: Location?
    }
    let symbols: [Symbol]
}

var (missing, documented): (Set<String>, Int) = ([], 0)
for path in CommandLine.arguments.dropFirst() {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    for symbol in try JSONDecoder().decode(SymbolGraph.self, from: data).symbols {
        guard let location = symbol.location else { continue }
        if symbol.docComment?.lines.contains(where: { !$0.text.isEmpty }) == true {
            documented += 1
        } else {
            let file = URL(string: location.uri)?.lastPathComponent ?? location.uri
            missing.insert(
                "\(file): \(symbol.pathComponents.joined(separator: ".")) has no documentation")
        }
    }
}
for line in missing.sorted() { print(line) }
guard missing.isEmpty, documented > 0 else { exit(1) }
