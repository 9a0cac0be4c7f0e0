// SPDX-License-Identifier: MIT
//
// The header of a safetensors file: what it says about each tensor, and whether that can be true of
// the file, before there is memory for any of it.

/// The tensors and texts of a file, all figures checked against its size.
struct SafetensorsHeader {
    /// A tensor's place.
    struct Entry {
        let name: String
        /// As the file calls it; where it is one that is read, shape and place suit each other.
        let type: String
        let shape: [Int]
        /// Its numbers, in bytes after the header.
        let place: Range<Int>
    }

    /// The key of the free texts.
    static let metadataKey = "__metadata__"
    /// The most axes that a tensor may have: as many as NumPy's.
    static let largestAxisCount = 64

    /// The tensors in order of their places: the first begins where the header ends, each other
    /// where the one before ends, and the last ends where the file does.
    let entries: [Entry]
    /// The free texts.
    let metadata: [String: String]

    /// Reads a header.
    ///
    /// - Parameters:
    ///   - json: all of it.
    ///   - dataSize: how many bytes follow it.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` when it is not the format's JSON, has a key twice, or does not
    ///   describe exactly the bytes that follow.
    init(_ json: [UInt8], dataSize: Int, file: String) throws {
        var text = HeaderText(file: file)
        do {
            try text.read(json)
        } catch is JSONReader.Unreadable {
            throw FileError(
                file: file, problem: "header is not the JSON of a safetensors file")
        }
        metadata = text.metadata
        var (entries, end) = ([Entry](), 0)
        for description in text.descriptions.sorted(by: {
            // What has no numbers comes before what begins there.
            ($0.begin, $0.end) < ($1.begin, $1.end)
        }) {
            entries.append(try description.entry(from: end, dataSize: dataSize, file: file))
            end = description.end
        }
        guard end == dataSize else {
            throw FileError(
                file: file, problem: "\(dataSize - end) bytes after the last tensor, expected none")
        }
        self.entries = entries
    }
}

/// What a header says about a tensor.
private struct TensorDescription {
    let name: String
    var type = ""
    var shape: [Int] = []
    var begin = 0
    var end = 0

    /// The tensor, if it lies where the one before ends and has the size that its shape needs.
    func entry(from expected: Int, dataSize: Int, file: String) throws -> SafetensorsHeader.Entry {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: "\(name) \(problem)")
        }
        guard begin == expected, end >= begin, end <= dataSize else {
            throw fail(
                "lies at \(begin)..<\(end), expected to start at \(expected) and end by "
                    + "\(dataSize)")
        }
        let count: Int
        do {
            // An axis of 0 is one that other programs write: there are no bytes of it.
            let extents = shape.map { $0 == 0 ? 1 : $0 }
            let product = try Shape.elementCount(extents, operation: file, argument: name)
            count = shape.contains(0) ? 0 : product
        } catch {
            throw fail("has shape \(shape), expected \(error.expected)")
        }
        if let size = Self.byteCount(of: type), end - begin != count * size {
            throw fail(
                "has \(end - begin) bytes, expected \(count * size) for shape \(shape)")
        }
        return SafetensorsHeader.Entry(
            name: name, type: type, shape: shape, place: begin..<end)
    }

    /// The size of a number; nil for a type that is not read.
    private static func byteCount(of type: String) -> Int? {
        Safetensors.FloatType(rawValue: type)?.byteCount
            ?? IntegerTensor.NumberType(rawValue: type)?.byteCount
    }
}

/// The header as it is read, key by key.
private struct HeaderText {
    let file: String
    private(set) var metadata: [String: String] = [:]
    private(set) var descriptions: [TensorDescription] = []

    init(file: String) { self.file = file }

    mutating func read(_ json: [UInt8]) throws {
        // The format wants no space before it.
        guard json.first == UInt8(ascii: "{") else { throw JSONReader.Unreadable() }
        var reader = JSONReader(json)
        var names: Set<String> = []
        try reader.object { reader, name in
            try Self.require(names.insert(name).inserted, name, file)
            if name == SafetensorsHeader.metadataKey {
                metadata = try Self.texts(&reader, file)
            } else {
                descriptions.append(try Self.description(of: name, &reader, file))
            }
        }
        try reader.end()
    }

    private static func texts(_ reader: inout JSONReader, _ file: String) throws -> [String: String]
    {
        var texts: [String: String] = [:]
        if reader.null() { return texts }
        try reader.object { reader, key in
            let text = try reader.string()
            try require(texts.updateValue(text, forKey: key) == nil, key, file)
        }
        return texts
    }

    private static func description(
        of name: String, _ reader: inout JSONReader, _ file: String
    ) throws -> TensorDescription {
        var description = TensorDescription(name: name)
        var keys: Set<String> = []
        try reader.object { reader, key in
            try require(keys.insert(key).inserted, key, file)
            switch key {
            case "dtype": description.type = try reader.string()
            case "shape":
                description.shape = try reader.integers(
                    atMost: SafetensorsHeader.largestAxisCount)
            case "data_offsets":
                let offsets = try reader.integers(atMost: 2)
                guard offsets.count == 2, offsets[0] >= 0 else { throw JSONReader.Unreadable() }
                (description.begin, description.end) = (offsets[0], offsets[1])
            default: throw JSONReader.Unreadable()
            }
        }
        guard keys.count == 3 else { throw JSONReader.Unreadable() }
        return description
    }

    private static func require(_ isNew: Bool, _ key: String, _ file: String) throws {
        guard isNew else {
            throw FileError(
                file: file, problem: "\(key) comes twice in the header, expected once")
        }
    }
}
