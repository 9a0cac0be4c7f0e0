// SPDX-License-Identifier: MIT
//
// Older files beside the newest: FILE.1 is the one before, FILE.2 the one before that. They are
// moved by one place once the new file is on the disk, and FILE itself is never missing: it gets a
// second name rather than another one.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension AtomicFile {
    /// The path of an older file: that of the newest where its age is 0.
    package static func path(_ path: String, age: Int) -> String {
        age == 0 ? path : "\(path).\(age)"
    }

    /// Moves the older files by one place each, the newest too, which stays where it is as well.
    /// Killed at any moment, it leaves every file but the oldest in one of the two places.
    ///
    /// - Parameters:
    ///   - path: the newest file.
    ///   - count: how many files there are to be in the end, with the one that is about to come.
    ///   - skipping: how many of the newest are not kept: they lose their places to the next.
    static func makeRoom(
        for path: String, keeping count: Int, skipping: Int
    ) throws(FileError) {
        if skipping > 0 {
            // The file of that age is the newest that counts; those before it go.
            guard skipping < count else { return }
            if skipping > 1 {
                try move(Self.path(path, age: skipping), to: Self.path(path, age: 1))
            }
            for age in 2..<max(skipping, 2) { unlink(Self.path(path, age: age)) }
            return
        }
        guard count > 1, access(path, F_OK) == 0 else { return }
        // No further than to the first place that is free.
        let free = (1..<count).first { access(Self.path(path, age: $0), F_OK) != 0 } ?? count - 1
        for age in stride(from: free - 1, through: 1, by: -1) {
            try move(Self.path(path, age: age), to: Self.path(path, age: age + 1))
        }
        try copy(path, to: Self.path(path, age: 1))
    }

    private static func move(_ source: String, to target: String) throws(FileError) {
        guard rename(source, target) == 0 || errno == ENOENT else {
            throw failure(target, "can't be replaced")
        }
    }

    /// Gives a file a second name, or where the file system has no such thing, copies it.
    private static func copy(_ source: String, to target: String) throws(FileError) {
        let temporary = "\(target).\(getpid()).\(UInt32.random(in: 0 ... .max)).old"
        guard link(source, temporary) == 0 else {
            let bytes = try FileBytes.contents(of: source, limit: .max)
            var result = Result<Void, FileError>.success(())
            bytes.withUnsafeBytes { buffer in
                do throws(FileError) { try write(buffer, to: target) } catch {
                    result = .failure(error)
                }
            }
            return try result.get()
        }
        // Where both names are of one file already, as after a kill, renaming does nothing.
        defer { unlink(temporary) }
        try move(temporary, to: target)
    }
}
