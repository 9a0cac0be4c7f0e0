// SPDX-License-Identifier: MIT
//
// The safetensors format: 8 bytes with the length of the header, a JSON header that names each
// tensor's type, shape and place, then the numbers. Nothing in it is ever executed. Files come from
// strangers: every figure is checked before it is believed.

import Foundation

/// Reads and writes tensors in the safetensors format.
public enum Safetensors {
    /// The longest header that is read, in bytes.
    public static let largestHeader = 100_000_000

    private static let metadataKey = "__metadata__"

    /// What a file holds.
    public struct Contents: Sendable {
        /// The tensors in order of their names.
        public let tensors: [NamedTensor]
        /// The free texts beside them, `__metadata__` in the format; empty where there are none.
        public let metadata: [String: String]
    }

    /// The file's bytes for some tensors: the same for the same tensors and texts, in order of their
    /// names.
    ///
    /// - Parameters:
    ///   - tensors: names and tensors; a name comes once.
    ///   - metadata: free texts that the file carries along, in order of their keys.
    ///   - file: what errors call the file.
    /// - Throws: ``ParameterFileError`` when a name comes twice.
    public static func encode(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], file: String = "parameters"
    ) throws -> Data {
        var (entries, numbers, previous) = ([String](), Data(), String?.none)
        if !metadata.isEmpty {
            let texts = try metadata.sorted { $0.key < $1.key }.map {
                "\(try quoted($0.key)):\(try quoted($0.value))"
            }
            entries.append("\"\(metadataKey)\":{\(texts.joined(separator: ","))}")
        }
        for (name, tensor) in tensors.sorted(by: { $0.name < $1.name }) {
            guard name != previous, name != metadataKey else {
                throw ParameterFileError(
                    file: file, problem: "\(name) can't be a tensor's name here")
            }
            previous = name
            let begin = numbers.count
            tensor.append(to: &numbers)
            let type = tensor.scalarType == .float32 ? "F32" : "F64"
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            entries.append(
                "\(try quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(begin),\(numbers.count)]}")
        }
        var header = Data("{\(entries.joined(separator: ","))}".utf8)
        // Spaces, so that the numbers start at a multiple of 8.
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: -header.count & 7))
        var file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        file.append(header)
        file.append(numbers)
        return file
    }

    /// The tensors of a file, in order of their names.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - file: what errors call the file.
    /// - Throws: ``ParameterFileError`` as ``contents(of:file:)`` does.
    public static func decode(_ data: Data, file: String = "parameters") throws -> [NamedTensor] {
        try contents(of: data, file: file).tensors
    }

    /// The tensors of a file, and the texts beside them.
    ///
    /// - Throws: ``ParameterFileError`` when the file can't be read, and as ``contents(of:file:)``
    ///   does.
    public static func contents(of url: URL) throws -> Contents {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
            throw ParameterFileError(file: url.path, problem: "can't be read: \(reason)")
        }
        return try contents(of: data, file: url.path)
    }

    /// The tensors of a file, and the texts beside them.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - file: what errors call the file.
    /// - Throws: ``ParameterFileError`` when the header is longer than the file or than
    ///   ``largestHeader``, is not the format's JSON, names a tensor twice, has a type other than F32
    ///   and F64, or offsets that leave holes, overlap or don't match the shapes.
    public static func contents(of data: Data, file: String = "parameters") throws -> Contents {
        let data = data.startIndex == 0 ? data : Data(data)
        func fail(_ problem: String) -> ParameterFileError {
            ParameterFileError(file: file, problem: problem)
        }
        guard data.count >= 8 else {
            throw fail("has \(data.count) bytes, expected at least 8: not a safetensors file")
        }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(min(data.count - 8, largestHeader)) else {
            throw fail(
                "header of \(length) bytes, expected at most the \(data.count - 8) bytes that follow "
                    + "and at most \(largestHeader)")
        }
        let numbers = 8 + Int(length)
        let header = Data(data[8..<numbers])
        if let duplicate = JSONKeys.firstDuplicate(in: header) {
            throw fail("\(duplicate) comes twice in the header, expected once")
        }
        guard let values = try? JSONDecoder().decode([String: HeaderValue].self, from: header)
        else { throw fail("header is not the JSON of a safetensors file") }

        var tensors: [NamedTensor] = []
        var end = 0
        let entries = values.compactMap { name, value in value.entry.map { (name, $0) } }
        for (name, entry) in entries.sorted(by: { $0.1.begin < $1.1.begin }) {
            guard entry.begin == end, entry.end >= entry.begin, entry.end <= data.count - numbers
            else {
                throw fail(
                    "\(name) lies at \(entry.begin)..<\(entry.end), expected to start at \(end) and "
                        + "end by \(data.count - numbers)")
            }
            end = entry.end
            let bytes = data[numbers + entry.begin..<numbers + entry.end]
            tensors.append((name, try tensor(name, entry, bytes, file: file)))
        }
        guard end == data.count - numbers else {
            throw fail("\(data.count - numbers - end) bytes after the last tensor, expected none")
        }
        return Contents(
            tensors: tensors.sorted { $0.name < $1.name },
            metadata: values[metadataKey]?.texts ?? [:])
    }

    private static func tensor(
        _ name: String, _ entry: Entry, _ bytes: Data, file: String
    ) throws -> Tensor {
        let types: [String: ScalarType] = ["F32": .float32, "F64": .float64]
        guard let type = types[entry.dtype] else {
            throw ParameterFileError(
                file: file, problem: "\(name) has type \(entry.dtype), expected F32 or F64")
        }
        let count: Int
        do {
            count = try Shape.elementCount(entry.shape, operation: file, argument: name)
        } catch {
            throw ParameterFileError(
                file: file, problem: "\(name) has shape \(entry.shape), expected \(error.expected)")
        }
        guard bytes.count == count * type.byteCount else {
            throw ParameterFileError(
                file: file,
                problem: "\(name) has \(bytes.count) bytes, expected \(count * type.byteCount) for "
                    + "shape \(entry.shape)")
        }
        var tensor = try Tensor(uninitialized: entry.shape, scalarType: type, operation: file)
        switch type {
        case .float32:
            tensor.withUnsafeMutableScalars(of: Float.self) {
                _ = bytes.copyBytes(to: UnsafeMutableRawBufferPointer($0))
            }
        case .float64:
            tensor.withUnsafeMutableScalars(of: Double.self) {
                _ = bytes.copyBytes(to: UnsafeMutableRawBufferPointer($0))
            }
        }
        return tensor
    }

    private static func quoted(_ name: String) throws -> String {
        String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
    }

    /// A tensor's entry in the header.
    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let begin: Int
        let end: Int

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            dtype = try container.decode(String.self, forKey: .dtype)
            shape = try container.decode([Int].self, forKey: .shape)
            let offsets = try container.decode([Int].self, forKey: .offsets)
            guard offsets.count == 2, offsets[0] >= 0 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .offsets, in: container, debugDescription: "expected two offsets")
            }
            (begin, end) = (offsets[0], offsets[1])
        }
    }

    /// An entry, or the free texts under `__metadata__`.
    private struct HeaderValue: Decodable {
        let entry: Entry?
        let texts: [String: String]?

        init(from decoder: any Decoder) throws {
            let isMetadata = decoder.codingPath.last?.stringValue == metadataKey
            texts = isMetadata ? try [String: String](from: decoder) : nil
            entry = isMetadata ? nil : try Entry(from: decoder)
        }
    }
}

extension Tensor {
    /// Appends the bytes of the numbers, in row-major order.
    func append(to data: inout Data) {
        switch scalarType {
        case .float32:
            withUnsafeScalars(of: Float.self) {
                data.append(contentsOf: UnsafeRawBufferPointer($0))
            }
        case .float64:
            withUnsafeScalars(of: Double.self) {
                data.append(contentsOf: UnsafeRawBufferPointer($0))
            }
        }
    }
}
