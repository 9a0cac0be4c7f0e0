// SPDX-License-Identifier: MIT
//
// How many processors the control groups of Linux leave to this process. Containers are limited
// that way: affinity shows all the machine's processors, and threads beyond the quota only wait.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The bandwidth quota of the control groups that a process is in.
///
/// Both versions are read, where this process finds them mounted. A group's quota binds all groups
/// below it, so the least of a process's group and those above it counts.
enum ProcessorQuota {
    /// The processors that the quota amounts to, rounded up and at least 1; nil without one.
    ///
    /// - Parameter root: what stands before `/proc`, for tests.
    static func processors(root: String = "") -> Int? {
        let mounts = lines(of: root + "/proc/self/mountinfo").compactMap(Mount.init)
        let shares = lines(of: root + "/proc/self/cgroup").flatMap { line -> [Double] in
            // hierarchy:controllers:path, with no controllers in version 2
            let fields = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isSecondVersion = fields[0] == "0" && fields[1].isEmpty
            guard isSecondVersion || fields[1].split(separator: ",").contains("cpu") else {
                return []
            }
            return mounts.filter { isSecondVersion ? $0.isSecondVersion : $0.countsProcessors }
                .flatMap { $0.folders(of: String(fields[2])) }
                .compactMap { share(in: root + $0, isSecondVersion: isSecondVersion) }
        }
        guard let least = shares.min(), least.isFinite, least < 1e6 else { return nil }
        return max(Int(least.rounded(.up)), 1)
    }

    /// The processors that one group's quota amounts to; nil without one.
    private static func share(in folder: String, isSecondVersion: Bool) -> Double? {
        let words: [Substring]
        if isSecondVersion {
            // "max 100000" or "150000 100000"
            words = (lines(of: folder + "/cpu.max").first ?? "").split(separator: " ")
        } else {
            words = ["quota", "period"].compactMap {
                lines(of: folder + "/cpu.cfs_\($0)_us").first
            }
        }
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]),
            quota > 0, period > 0
        else { return nil }
        return quota / period
    }

    /// The lines of a small file of the kernel's; none where it can't be read.
    private static func lines(of path: String) -> [Substring] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        // Such files have no size before they are read.
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while bytes.count < 1 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        // A copy of the text, as each line keeps the whole of it alive.
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}

/// Where a hierarchy of control groups is mounted: a line of `/proc/self/mountinfo`.
private struct Mount {
    let isSecondVersion: Bool
    /// Whether it is a hierarchy of version 1 that the CPU controller is in.
    let countsProcessors: Bool
    /// The group that is seen at the mount point.
    private let top: String
    private let point: String

    /// `36 35 98:0 /group /mount/point rw,noatime shared:1 - cgroup2 source rw`; nil for others.
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
            return nil
        }
        isSecondVersion = fields[dash + 1] == "cgroup2"
        countsProcessors =
            fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("cpu")
        guard isSecondVersion || countsProcessors else { return nil }
        top = String(fields[3])
        point = String(fields[4])
    }

    /// The folders of a group and of those above it, as far as they are seen here.
    func folders(of group: String) -> [String] {
        // A container may see its own group as the top although the process's path, which is the
        // host's, says otherwise.
        let prefix = top == "/" ? "" : top
        let isBelow = group == top || group.hasPrefix(prefix + "/")
        var names = (isBelow ? group.dropFirst(prefix.count) : "").split(separator: "/")
        var folders: [String] = []
        while true {
            folders.append(([point] + names.map(String.init)).joined(separator: "/"))
            guard names.popLast() != nil else { return folders }
        }
    }
}
