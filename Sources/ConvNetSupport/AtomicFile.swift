// SPDX-License-Identifier: MIT
//
// Writing a file so that at any moment there is the old one or the new one, whole. The bytes go to
// a file without a name, which no one sees and which the system removes if the process is killed;
// it gets a name only once it is on the disk, and takes the old one's place at once. So even a
// process that is killed leaves nothing behind, but in the instant between the two.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes whole files.
package enum AtomicFile {
    /// Writes a new file beside the target, makes sure that it is on the disk, renames it.
    ///
    /// A file that is there keeps its permissions.
    ///
    /// - Parameters:
    ///   - bytes: all that the file is to hold.
    ///   - path: where it is to be.
    ///   - count: how many files to keep: this one, the one before as `path.1`, and so on. With 1,
    ///     no older one is touched.
    ///   - skipping: how many of the newest older ones are not worth keeping.
    /// - Throws: ``FileError`` that says what the system refused, or that the target is there and
    ///   no regular file; the old file stays.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, keeping count: Int = 1,
        skipping: Int = 0
    ) throws(FileError) {
        guard !path.utf8.contains(0) else {
            throw FileError(
                file: path, problem: "can't be written: a path with a zero byte",
                expected: "a file in a writable folder")
        }
        let permissions = try permissions(of: path)
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        let (descriptor, hasName) = try create(temporary, for: path)
        do throws(FileError) {
            defer { close(descriptor) }
            if let permissions, fchmod(descriptor, permissions) != 0 {
                throw failure(path, "can't be written")
            }
            try write(bytes, to: descriptor, path: path)
            guard fsync(descriptor) == 0 else { throw failure(path, "can't be written") }
            if !hasName { try name(descriptor, temporary, for: path) }
            try makeRoom(for: path, keeping: count, skipping: skipping)
        } catch {
            // Not there where it has got no name yet.
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = failure(path, "can't be replaced")
            unlink(temporary)
            throw error
        }
        // The new name is on the disk only once its folder is.
        let folder = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// The permissions of the file that is there; nil where there is none.
    ///
    /// - Throws: ``FileError`` when it is something else than a file: a device would be
    ///   gone for good.
    private static func permissions(of path: String) throws(FileError) -> mode_t? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw FileError(
                file: path, problem: "can't be replaced: not a file", expected: "a regular file")
        }
        return information.st_mode & 0o777
    }

    /// A new file without a name, or where the file system has no such files, with the
    /// temporary one.
    private static func create(
        _ temporary: String, for path: String
    ) throws(FileError) -> (descriptor: Int32, hasName: Bool) {
        #if os(Linux)
            // O_TMPFILE, which Swift does not see: __O_TMPFILE with O_DIRECTORY.
            let withoutName = open(
                folder(of: path), O_WRONLY | O_CLOEXEC | 0o20_000_000 | O_DIRECTORY, 0o666)
            if withoutName >= 0 { return (withoutName, false) }
        #endif
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw failure(path, "can't be written", expected: "a file in a writable folder")
        }
        return (descriptor, true)
    }

    /// Gives a file that has none a name.
    private static func name(
        _ descriptor: Int32, _ temporary: String, for path: String
    ) throws(FileError) {
        let source = "/proc/self/fd/\(descriptor)"
        guard linkat(AT_FDCWD, source, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) == 0 else {
            throw failure(path, "can't be written")
        }
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = systemWrite(descriptor, part)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path, "can't be written") }
            written += count
        }
    }

    /// The C function, which a method of the same name hides.
    private static func systemWrite(_ descriptor: Int32, _ part: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, part.baseAddress, part.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, part.baseAddress, part.count)
        #elseif canImport(Darwin)
            Darwin.write(descriptor, part.baseAddress, part.count)
        #endif
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// What the system refused.
    static func failure(
        _ path: String, _ problem: String, expected: String? = nil
    ) -> FileError {
        FileError(
            file: path, problem: "\(problem): \(String(cString: strerror(errno)))",
            expected: expected)
    }
}
