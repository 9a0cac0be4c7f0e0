// SPDX-License-Identifier: MIT
//
// Writing a file so that at any moment there is the old one or the new one, whole.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes whole files.
package enum AtomicFile {
    /// Writes a temporary file beside the target, makes sure that it is on the disk, renames it.
    ///
    /// - Throws: ``FileError`` that says what the system refused; the old file stays.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String
    ) throws(FileError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path, "can't be written") }
        do throws(FileError) {
            defer { close(descriptor) }
            try write(bytes, to: descriptor, path: path)
            guard fsync(descriptor) == 0 else { throw failure(path, "can't be written") }
        } catch {
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

    private static func failure(_ path: String, _ problem: String) -> FileError {
        FileError(
            path: path, problem: "\(problem): \(String(cString: strerror(errno)))",
            expected: "a file in a writable folder")
    }
}
