// SPDX-License-Identifier: MIT
//
// The safetensors format: 8 bytes with the length of the header, a JSON header that names each
// tensor's type, shape and place, then the numbers. Nothing in it is ever executed. Files are not
// trusted: every figure is checked before it is used.

import Foundation

/// Reads and writes tensors in the safetensors format.
public enum Safetensors {
    /// The longest header that is read, in bytes.
    public static let largestHeader = 100_000_000
    /// The largest file that is read or written: 4 GiB.
    public static let largestFile = 1 << 32

    /// The file's bytes for some tensors: the same for the same tensors and texts, in order
    /// of their names.
    ///
    /// - Parameters:
    ///   - tensors: names and tensors; a name comes once.
    ///   - metadata: free texts that the file carries along, in order of their keys.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` when a name comes twice, or the file could not be read again: it is
    ///   larger than ``largestFile``, its header longer than ``largestHeader``, or a tensor has
    ///   more than 64 axes.
    public static func encode(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], file: String = "parameters"
    ) throws -> Data {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: problem)
        }
        let tensors = tensors.sorted { $0.name < $1.name }
        let (text, numbers) = try header(of: tensors, metadata, file: file)
        var header = Data(text.utf8)
        // Spaces, so that the numbers start at a multiple of 8.
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: -header.count & 7))
        guard header.count <= largestHeader else {
            throw fail("needs a header of \(header.count) bytes, expected at most \(largestHeader)")
        }
        guard 8 + header.count + numbers <= largestFile else {
            throw fail(
                "needs \(8 + header.count + numbers) bytes, expected at most \(largestFile)")
        }
        var data = Data(capacity: 8 + header.count + numbers)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(header)
        for (_, tensor) in tensors { tensor.append(to: &data) }
        return data
    }

    /// The header for tensors in order of their names, and how many bytes of numbers follow it.
    private static func header(
        of tensors: [NamedTensor], _ metadata: [String: String], file: String
    ) throws -> (text: String, dataSize: Int) {
        var (entries, end, previous) = ([String](), 0, String?.none)
        if !metadata.isEmpty {
            let texts = try metadata.sorted { $0.key < $1.key }.map {
                "\(try quoted($0.key)):\(try quoted($0.value))"
            }
            entries.append("\"\(SafetensorsHeader.metadataKey)\":{\(texts.joined(separator: ","))}")
        }
        for (name, tensor) in tensors {
            guard name != previous, name != SafetensorsHeader.metadataKey else {
                throw FileError(
                    file: file, problem: "\(name) can't be a tensor's name here")
            }
            guard tensor.shape.count <= SafetensorsHeader.largestAxisCount else {
                throw FileError(
                    file: file,
                    problem: "\(name) has \(tensor.shape.count) axes, expected at most "
                        + "\(SafetensorsHeader.largestAxisCount)")
            }
            previous = name
            let begin = end
            // Each tensor is in memory, so that the sum of some that share theirs is far from
            // overflowing: there would have to be 2³² of them.
            end += tensor.count * tensor.scalarType.byteCount
            let type = tensor.scalarType == .float32 ? "F32" : "F64"
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            entries.append(
                "\(try quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(begin),\(end)]}")
        }
        return ("{\(entries.joined(separator: ","))}", end)
    }

    /// The tensors of floating-point numbers of a file, in order of their names; see
    /// ``Contents/tensors``.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` as ``contents(of:file:)`` does.
    public static func decode(_ data: Data, file: String = "parameters") throws -> [NamedTensor] {
        try contents(of: data, file: file).tensors
    }

    /// The tensors of a file, and the texts beside them.
    ///
    /// The header is read and checked before there is memory for any tensor.
    ///
    /// - Throws: ``FileError`` when the file can't be read, is no regular file or larger than
    ///   ``largestFile``, and as ``contents(of:file:)`` does.
    public static func contents(of url: URL) throws -> Contents {
        let file = try RegularFile(url.path, limit: largestFile)
        let length = try headerLength(
            FileBytes.bytes(of: file, count: min(8, file.byteCount)), of: file.byteCount,
            file: url.path)
        let header = try FileBytes.bytes(of: file, at: 8, count: length)
        return try contents(
            header: header, dataSize: file.byteCount - 8 - length, file: url.path
        ) { place, buffer in
            try file.read(into: buffer, at: 8 + length + place.lowerBound) == place.count
        }
    }

    /// The tensors of a file, and the texts beside them.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` when the header is longer than the file or than ``largestHeader``,
    ///   is not the format's JSON, has a key twice, or offsets that leave holes, overlap or don't
    ///   match the shapes; and when there is no memory for a tensor. Tensors of types that are not
    ///   read are an error only where they are asked for.
    public static func contents(of data: Data, file: String = "parameters") throws -> Contents {
        let data = data.startIndex == 0 ? data : Data(data)
        let numbers = 8 + (try headerLength(Array(data.prefix(8)), of: data.count, file: file))
        return try contents(
            header: Array(data[8..<numbers]), dataSize: data.count - numbers, file: file
        ) { place, buffer in
            let bytes = data[numbers + place.lowerBound..<numbers + place.upperBound]
            return bytes.copyBytes(to: buffer) == place.count
        }
    }

    /// The length of the header, from the file's first 8 bytes.
    private static func headerLength(
        _ bytes: [UInt8], of fileSize: Int, file: String
    ) throws -> Int {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: problem)
        }
        guard bytes.count == 8 else {
            throw fail("has \(fileSize) bytes, expected at least 8: not a safetensors file")
        }
        let length = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(min(fileSize - 8, largestHeader)) else {
            throw fail(
                "header of \(length) bytes, expected at most the \(fileSize - 8) bytes that follow "
                    + "and at most \(largestHeader)")
        }
        return Int(length)
    }

    /// The contents that a header describes.
    ///
    /// - Parameter fill: puts the bytes of a place after the header into a buffer of their size;
    ///   false when there are not as many any more.
    private static func contents(
        header: [UInt8], dataSize: Int, file: String,
        fill: (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Bool
    ) throws -> Contents {
        let header = try SafetensorsHeader(header, dataSize: dataSize, file: file)
        do {
            let entries = try header.entries.map { place in
                Entry(
                    name: place.name, type: place.type, shape: place.shape,
                    value: try value(at: place, file: file) {
                        guard try fill(place.place, $0) else {
                            throw FileError(
                                file: file, problem: "has become shorter while it was read")
                        }
                    }, file: file)
            }
            return Contents(
                entries: entries.sorted { $0.name < $1.name }, metadata: header.metadata,
                file: file)
        } catch let error as TensorError {
            throw FileError(file: file, problem: "\(error)")
        }
    }

    /// The numbers of a tensor, where they are of a type that is read.
    private static func value(
        at place: SafetensorsHeader.Entry, file: String,
        fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws -> Entry.Value {
        guard !place.shape.contains(0) else { return .unread }
        if let type = FloatType(rawValue: place.type) {
            return .numbers(try type.tensor(place.shape, operation: file, fill: fill))
        }
        guard let type = IntegerTensor.NumberType(rawValue: place.type) else { return .unread }
        return .integers(
            try IntegerTensor(shape: place.shape, type: type, operation: file, fill: fill))
    }

    private static func quoted(_ name: String) throws -> String {
        String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
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
