// SPDX-License-Identifier: MIT
//
// How many threads are used by default: what the environment and the control groups ask for.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetKernels

@Suite struct ThreadCountTests {
    @Test(arguments: [
        ("4", 4), (" 4 ", 4), ("4,2", 4), ("1024", 1024), ("1025", nil), ("0", nil), ("-1", nil),
        ("", nil), ("many", nil), (",3", nil), (nil, nil), ("99999999999999999999", nil),
    ])
    func theEnvironmentsFirstNumberCounts(_ value: String?, _ expected: Int?) {
        #expect(ThreadCount.requested(value) == expected)
    }

    /// Files as Linux shows them, by their paths.
    private func quota(_ files: [String: String]) throws -> Int? {
        try withTemporaryFolder { folder in
            for (path, text) in files {
                let file = folder.appendingPathComponent(path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
            return ProcessorQuota.processors(root: folder.path)
        }
    }

    private static let second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
    private static let first =
        "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"

    @Test(arguments: [
        ("max 100000", nil), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1),
        ("", nil), ("0 100000", nil), ("5 0", nil), ("x y", nil), ("1e999 1", nil),
    ])
    func versionTwo(_ line: String, _ expected: Int?) throws {
        let found = try quota([
            "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": Self.second,
            "sys/fs/cgroup/cpu.max": line + "\n",
        ])
        #expect(found == expected)
    }

    @Test func theLeastOfAllGroupsAboveCounts() throws {
        let files = [
            "proc/self/cgroup": "0::/system.slice/app.service\n",
            "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Self.second,
            "sys/fs/cgroup/system.slice/app.service/cpu.max": "800000 100000\n",
            "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/other.slice/cpu.max": "100000 100000\n",
        ]
        #expect(try quota(files) == 3)
    }

    @Test func versionOne() throws {
        var files = [
            "proc/self/cgroup": "5:memory:/app\n4:cpu,cpuacct:/app\n0::/\n",
            "proc/self/mountinfo": Self.first,
            "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us": "100000\n",
        ]
        #expect(try quota(files) == 3)
        files["sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us"] = "-1\n"
        #expect(try quota(files) == nil)
    }

    /// A container that sees its own group as the top, under the path that the host calls it.
    @Test func aContainersOwnGroupIsTheTop() throws {
        for top in ["/docker/1f", "/other"] {
            let files = [
                "proc/self/cgroup": "4:cpu:/docker/1f\n",
                "proc/self/mountinfo":
                    "33 25 0:29 \(top) /sys/fs/cgroup/cpu rw - cgroup cgroup cpu\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ]
            #expect(try quota(files) == 4)
        }
    }

    @Test func noFilesNoQuota() throws {
        #expect(try quota([:]) == nil)
        #expect(
            try quota(["proc/self/cgroup": "nonsense\n", "proc/self/mountinfo": "- - -\n"]) == nil)
    }
}
