// SPDX-License-Identifier: MIT
//
// What is in a folder, name by name as the file system has them: bytes. Foundation's listings are
// of strings, and strings that differ in Unicode form alone are equal.

import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One entry of a folder.
struct FolderEntry {
    enum Kind {
        case file, folder
        /// A symbolic link, and what it leads to; nil where that is not there.
        case link(to: String?)
        /// A pipe, a device, a socket.
        case other
    }
    let name: String
    let path: String
    let kind: Kind
}

enum FolderListing {
    /// The entries of a folder but for hidden ones, in the order of their names' bytes.
    ///
    /// - Returns: the entries, and the names that are no text in UTF-8, repaired.
    /// - Throws: ``FileError`` when it can't be listed.
    static func entries(
        of folder: String
    ) throws(FileError) -> (entries: [FolderEntry], unreadable: [String]) {
        var names: [String] = []
        var unreadable: [String] = []
        for bytes in try self.names(in: folder) where bytes.first != UInt8(ascii: ".") {
            if let name = String(validating: bytes, as: UTF8.self) {
                names.append(name)
            } else {
                unreadable.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let entries = names.map { name in
            let path = "\(folder)/\(name)"
            return FolderEntry(name: name, path: path, kind: kind(of: path))
        }
        return (entries, unreadable.sorted())
    }

    private static func names(in folder: String) throws(FileError) -> [[UInt8]] {
        guard !folder.utf8.contains(0), let stream = opendir(folder) else {
            throw FileError(
                file: folder, problem: "can't be listed: " + String(cString: strerror(errno)),
                expected: "a readable folder")
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = readdir(stream) {
            let name = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 0)
            names.append(
                [UInt8](
                    UnsafeRawBufferPointer(
                        start: name, count: strlen(name.assumingMemoryBound(to: CChar.self)))))
        }
        return names
    }

    private static func kind(of path: String) -> FolderEntry.Kind {
        var information = stat()
        guard lstat(path, &information) == 0 else { return .other }
        switch information.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        case S_IFLNK: return .link(to: resolved(path))
        default: return .other
        }
    }

    /// Where a path leads to when all links are followed; nil where nothing is.
    static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
