// SPDX-License-Identifier: MIT
//
// The variables that LLVM's OpenMP runtime dies of: what is refused, in which words, and what is
// not.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetKernels

@Suite struct OpenMPEnvironmentTests {
    /// The error that one variable's value leads to.
    private func message(_ name: String, _ value: String) -> String? {
        OpenMPEnvironment.error { $0 == name ? value : nil }?.description
    }

    @Test func theMessageNamesTheVariableItsValueAndTheRule() {
        #expect(
            message("OMP_NUM_THREADS", "auto")
                == "NativeKernels: OMP_NUM_THREADS is \"auto\", expected whole numbers up to 65536, "
                + "separated by commas; OpenMP's runtime would end the process")
        #expect(
            message("OMP_NUM_THREADS", "")
                == "NativeKernels: OMP_NUM_THREADS is empty, expected whole numbers up to 65536, "
                + "separated by commas, or the variable unset; OpenMP's runtime would end the process"
        )
        #expect(
            message("OMP_STACKSIZE", "100g")
                == "NativeKernels: OMP_STACKSIZE is \"100g\", expected a size up to 1G, such as 512K "
                + "or 4M; OpenMP's runtime would end the process")
        let long = String(repeating: "7", count: 5000)
        #expect(message("OMP_NUM_THREADS", long)?.count ?? .max < 250)
    }

    /// Each of these ends a process in libomp 14, or stops it for good.
    @Test(arguments: [
        (
            "OMP_NUM_THREADS",
            [
                "", " ", "\t", "99999999999999999999", "auto", "-1", "+2", "1 2", "2147483647",
                "1e3", "2x",
                "0x10", "\u{0662}", "1,auto", "-", "{}",
            ]
        ),
        ("KMP_GTID_MODE", ["", "0", "1", "x", "2,3"]),
        ("KMP_FORCE_REDUCTION", ["", "auto", "1"]),
        ("KMP_CPUINFO_FILE", ["", "/dev/null", "/etc/passwd", "nothing"]),
        ("KMP_HOT_TEAMS_MAX_LEVEL", ["2147483647", "99999999999999999999"]),
        ("KMP_ALIGN_ALLOC", ["65536", "8191", "1g", "99999999999999999999"]),
        ("OMP_TOOL_VERBOSE_INIT", ["/nonexistent/file", String(repeating: "7", count: 5000)]),
        ("GOMP_CPU_AFFINITY", ["1,,2", "1e9", "2x", "2147483648", "{0}:9999999:1", "1g"]),
        ("KMP_FORKJOIN_BARRIER", ["", "0", ",", "0,1", "1,0", ",3", "3,", "4294967296"]),
        ("KMP_SPIN_BACKOFF_PARAMS", ["", " "]), ("KMP_ADAPTIVE_LOCK_PROPS", ["", " "]),
        ("OMP_STACKSIZE", ["99999999999999999999", "2147483648", "10000000G"]),
        ("GOMP_STACKSIZE", ["3276832768"]), ("KMP_STACKSIZE", ["10000000G"]),
        ("KMP_STACKOFFSET", ["2147483648", "2g"]),
        ("KMP_AFFINITY", ["2147483648", "compact,2147483648"]),
        ("OMP_PLACES", ["cores(3000000000)", "{0:4000000000}", "{0}:3000000000"]),
        ("OMP_PROC_BIND", ["2147483648"]),
    ])
    func whatTheRuntimeDiesOfIsRefused(_ name: String, _ values: [String]) {
        for value in values { #expect(message(name, value) != nil, "\(name)=\(value)") }
    }

    /// What people set.
    @Test(arguments: [
        ("OMP_NUM_THREADS", ["1", "16", " 4 ", "4,2", "4, 2", "0"]),
        ("KMP_GTID_MODE", ["2", "3"]), ("KMP_FORCE_REDUCTION", ["tree", "CRITICAL"]),
        ("KMP_ALIGN_ALLOC", ["64", "4096"]), ("OMP_TOOL_VERBOSE_INIT", ["", "stderr", "Disabled"]),
        ("GOMP_CPU_AFFINITY", ["", "0", "0-3", "0 2", "0,2", "0-6:2", "0-3 5, 7"]),
        ("KMP_FORKJOIN_BARRIER", ["2", "2,2", " 2 , 3 "]),
        ("KMP_SPIN_BACKOFF_PARAMS", ["4096,100"]),
        ("OMP_STACKSIZE", ["", "512", "512K", "4M", "4 M", "1g", "16384b"]),
        ("KMP_STACKSIZE", ["1048576", "4m"]),
        ("KMP_AFFINITY", ["granularity=fine,compact,1,0", "disabled", ""]),
        ("OMP_PLACES", ["cores", "threads(4)", "{0:4}:4:4", "{0,1},{2,3}"]),
        ("OMP_PROC_BIND", ["close", "spread", "true", "false"]), ("OMP_SCHEDULE", ["nonsense"]),
        ("KMP_BLOCKTIME", ["", "0", "infinite"]), ("OMP_WAIT_POLICY", ["passive"]),
    ])
    func whatItUnderstandsIsAccepted(_ name: String, _ values: [String]) {
        for value in values { #expect(message(name, value) == nil, "\(name)=\(value)") }
    }

    /// In a process that is not ours nothing is removed: every kernel throws, on one thread too, as
    /// the runtime's first call would be its last.
    @Test func kernelsThrowBeforeTheRuntimeBegins() async {
        await #expect(processExitsWith: .success) {
            setenv("OMP_NUM_THREADS", "", 1)
            let x = try Tensor(shape: [1, 1, 2, 2], scalars: [1, 2, 3, 4])
            for threads in [1, 2] {
                let error = #expect(throws: TensorError.self) {
                    try NativeKernels(threads: threads)
                }
                try #require(error?.argument == "OMP_NUM_THREADS")
                try #require(error?.value == "empty")
            }
            let error = #expect(throws: TensorError.self) { try NativeKernels().relu(x) }
            try #require(error?.argument == "OMP_NUM_THREADS")
        }
    }
}
