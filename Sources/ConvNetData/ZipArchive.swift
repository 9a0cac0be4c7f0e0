// SPDX-License-Identifier: MIT
//
// Zip archives as NumPy writes them: entries stored or deflated, one disk, no encryption
// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). The directory at the end is
// believed only as far as it agrees with the rest; checksums are verified.

import ConvNetSupport
internal import CZlib

/// The entries of a zip archive.
struct ZipArchive {
    /// A file in the archive.
    struct Entry {
        let name: String
        fileprivate let method: Int
        fileprivate let checksum: Int
        fileprivate let compressedSize: Int
        let size: Int
        fileprivate let headerOffset: Int
        /// Where the next entry or the directory begins: nothing of this one lies beyond.
        fileprivate var end = 0
    }

    /// The entries in the directory's order; no name comes twice.
    let entries: [Entry]
    private let bytes: [UInt8]
    private let file: String

    private static let (stored, deflated) = (0, 8)

    /// The archive's directory.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: its name, for errors.
    ///   - limit: the most bytes that all entries together may unfold to.
    init(_ bytes: [UInt8], file: String, limit: Int) throws(FileError) {
        self.bytes = bytes
        self.file = file
        let directory = try Self.directory(of: bytes, file: file)
        var cursor = ZipCursor(bytes, at: directory.begin, end: directory.end)
        var (entries, names, total) = ([Entry](), Set<String>(), 0)
        for _ in 0..<directory.count {
            guard let entry = Self.entry(&cursor) else {
                throw Self.damaged(file, "a directory that can't be read at \(cursor.position)")
            }
            guard names.insert(entry.name).inserted else {
                throw Self.damaged(file, "\(entry.name) twice")
            }
            try Self.check(entry, file: file)
            // Sizes are below 2⁶², so that the sum fits.
            total += entry.size
            guard total <= limit else {
                throw FileError(
                    file: file, problem: "\(total) bytes or more when unfolded",
                    expected: "at most \(limit)")
            }
            entries.append(entry)
        }
        guard cursor.position == directory.end else {
            throw Self.damaged(file, "\(directory.end - cursor.position) bytes after the directory")
        }
        self.entries = try Self.apart(entries, before: directory.begin, file: file)
    }

    /// Fails unless an entry is stored or deflated, and its sizes fit that.
    private static func check(_ entry: Entry, file: String) throws(FileError) {
        guard entry.method == stored || entry.method == deflated else {
            throw FileError(
                file: file, problem: "\(entry.name) compressed by method \(entry.method)",
                expected: "0 (stored) or 8 (deflated)")
        }
        guard entry.method == deflated || entry.size == entry.compressedSize else {
            throw damaged(
                file, "\(entry.name) of \(entry.compressedSize) bytes, not \(entry.size)")
        }
    }

    /// The entries, each with the place where it must have ended. Entries that share bytes would
    /// make a small file cost as much time as a large one, as often as its directory likes.
    private static func apart(
        _ entries: [Entry], before directory: Int, file: String
    ) throws(FileError) -> [Entry] {
        var (result, end) = (entries, directory)
        for place in entries.indices.sorted(by: {
            entries[$0].headerOffset > entries[$1].headerOffset
        }) {
            let entry = entries[place]
            guard entry.headerOffset < end, entry.compressedSize < end - entry.headerOffset else {
                throw damaged(file, "\(entry.name) not where the directory says")
            }
            result[place].end = end
            end = entry.headerOffset
        }
        return result
    }

    /// The bytes of an entry.
    func contents(of entry: Entry) throws(FileError) -> [UInt8] {
        var cursor = ZipCursor(bytes, at: entry.headerOffset, end: entry.end)
        guard cursor.number(4) == 0x0403_4B50, cursor.skip(22), let nameLength = cursor.number(2),
            let extraLength = cursor.number(2), let name = cursor.take(nameLength),
            name.elementsEqual(entry.name.utf8), cursor.skip(extraLength),
            let data = cursor.take(entry.compressedSize)
        else { throw Self.damaged(file, "\(entry.name) not where the directory says") }

        let contents = entry.method == Self.stored ? Array(data) : try inflated(data, entry)
        guard contents.count == entry.size else {
            throw Self.damaged(
                file, "\(entry.name) of \(contents.count) bytes, not \(entry.size)")
        }
        let checksum = contents.withUnsafeBufferPointer {
            crc32(0, $0.baseAddress, UInt32($0.count))
        }
        guard checksum == entry.checksum else {
            throw Self.damaged(file, "\(entry.name) with a wrong checksum")
        }
        return contents
    }

    private func inflated(_ data: ArraySlice<UInt8>, _ entry: Entry) throws(FileError) -> [UInt8] {
        let reader = try InflateReader(
            Array(data), format: .deflate, file: "\(file):\(entry.name)")
        // One byte more, should there be any, is already wrong.
        return try reader.read(entry.size + 1)
    }

    /// Where the directory lies, from the record at the file's end, which a comment may follow.
    private static func directory(
        of bytes: [UInt8], file: String
    ) throws(FileError) -> (begin: Int, end: Int, count: Int) {
        let size = 22
        let candidates = stride(
            from: bytes.count - size, through: max(0, bytes.count - size - 0xFFFF), by: -1)
        for place in candidates {
            var cursor = ZipCursor(bytes, at: place, end: bytes.count)
            guard cursor.number(4) == 0x0605_4B50, let disk = cursor.number(2),
                let directoryDisk = cursor.number(2), let here = cursor.number(2),
                let count = cursor.number(2), let length = cursor.number(4),
                let begin = cursor.number(4), let comment = cursor.number(2),
                comment == bytes.count - place - size
            else { continue }
            guard disk == 0, directoryDisk == 0, here == count else {
                throw damaged(file, "parts on several disks")
            }
            guard begin + length <= place else {
                throw damaged(file, "a directory of \(length) bytes at \(begin), beyond its place")
            }
            return (begin, begin + length, count)
        }
        throw FileError(
            file: file, problem: "no zip directory at the end", expected: "an .npz file")
    }

    /// The next entry of the directory, or nil where it can't be read.
    private static func entry(_ cursor: inout ZipCursor) -> Entry? {
        guard cursor.number(4) == 0x0201_4B50, cursor.skip(4), let flags = cursor.number(2),
            // Bit 0 says that the entry is encrypted.
            flags & 1 == 0,
            let method = cursor.number(2), cursor.skip(4), let checksum = cursor.number(4),
            var compressedSize = cursor.number(4), var size = cursor.number(4),
            let nameLength = cursor.number(2), let extraLength = cursor.number(2),
            let commentLength = cursor.number(2), cursor.skip(8),
            var headerOffset = cursor.number(4), let nameBytes = cursor.take(nameLength),
            let name = String(validating: nameBytes, as: UTF8.self),
            let extra = cursor.take(extraLength), cursor.skip(commentLength)
        else { return nil }
        // Figures that are all ones stand in the extra field, in 64 bits.
        guard
            readLargeFigures(
                from: ZipCursor(Array(extra), at: 0, end: extra.count), &size, &compressedSize,
                &headerOffset)
        else { return nil }
        return Entry(
            name: name, method: method, checksum: checksum, compressedSize: compressedSize,
            size: size, headerOffset: headerOffset)
    }

    private static func readLargeFigures(
        from extra: ZipCursor, _ size: inout Int, _ compressedSize: inout Int,
        _ headerOffset: inout Int
    ) -> Bool {
        let mark = 0xFFFF_FFFF
        guard [size, compressedSize, headerOffset].contains(mark) else { return true }
        var extra = extra
        while let kind = extra.number(2), let length = extra.number(2) {
            guard kind == 1 else {
                guard extra.skip(length) else { return false }
                continue
            }
            func large(_ figure: Int) -> Int? { figure == mark ? extra.number(8) : figure }
            guard let size64 = large(size), let compressedSize64 = large(compressedSize),
                let headerOffset64 = large(headerOffset)
            else { return false }
            (size, compressedSize, headerOffset) = (size64, compressedSize64, headerOffset64)
            return true
        }
        return false
    }

    private static func damaged(_ file: String, _ problem: String) -> FileError {
        FileError(file: file, problem: problem, expected: "an intact .npz file")
    }
}

/// Reads figures one after another; nil where the bytes end.
private struct ZipCursor {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8], at position: Int, end: Int) {
        self.bytes = bytes
        self.position = position
        self.end = end
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard position <= end, count <= end - position else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    /// An unsigned figure, lowest byte first; nil also where it is 2⁶² or more.
    mutating func number(_ byteCount: Int) -> Int? {
        guard let bytes = take(byteCount) else { return nil }
        let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return value < 1 << 62 ? Int(value) : nil
    }
}
