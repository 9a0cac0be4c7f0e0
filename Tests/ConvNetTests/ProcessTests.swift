// SPDX-License-Identifier: MIT
//
// How the library behaves as a guest in another program's process: it changes nothing there, leaves
// the processors alone when it has nothing to do, and survives a fork and another OpenMP runtime.
// Each test is a process of its own.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A network whose kernels share their work, and a batch for it.
private func sharedWork() throws -> (network: Network, x: Tensor) {
    var draw = Draw(seed: 5)
    return (try LeNet(seed: 1).network, try draw.normal([20, 1, 28, 28]))
}

@Suite struct ProcessTests {
    @Test func nothingIsChangedForOthers() async {
        await #expect(processExitsWith: .success) {
            let before = ProcessState()
            try #require(before.openMP["omp_get_max_threads"] != nil)
            var (network, x) = try sharedWork()
            for threads in [1, 2, 5] {
                network.kernels = try NativeKernels(threads: threads)
                _ = try network.predict(x)
                _ = try network.gradient(x, labels: Array(repeating: 1, count: 20))
                _ = try await network.prediction(for: x)
            }
            let changes = ProcessState().changes(since: before)
            try #require(changes == [])
        }
    }

    /// The runtime's default is 200 ms per thread, which would be 0.4 s or more here; what is left
    /// are some milliseconds.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["KMP_BLOCKTIME"] == nil
                && ProcessInfo.processInfo.environment["OMP_WAIT_POLICY"] == nil,
            "KMP_BLOCKTIME or OMP_WAIT_POLICY says how long threads spin"))
    func threadsSleepSoonAfterACall() async {
        await #expect(processExitsWith: .success) {
            let (network, x) = try sharedWork()
            for _ in 0..<3 {
                _ = try network.predict(x, threads: 4)
                _ = try network.gradient(x, labels: Array(repeating: 1, count: 20))
                let before = ProcessState.processorSeconds
                usleep(1_000_000)
                let used = ProcessState.processorSeconds - before
                try #require(used < 0.1, "\(used) s of processor time in the second after a call")
            }
        }
    }

    @Test func threadsAreAsManyAsAffinityAllows() async {
        await #expect(processExitsWith: .success) {
            unsetenv("OMP_NUM_THREADS")
            // One processor of those that this process may use. glibc's functions are hidden from
            // Swift.
            typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32
            let get = unsafeBitCast(
                try #require(dlsym(nil, "sched_getaffinity")), to: Affinity.self)
            let set = unsafeBitCast(
                try #require(dlsym(nil, "sched_setaffinity")), to: Affinity.self)
            var mask = [UInt8](repeating: 0, count: 1 << 13)
            try #require(get(0, mask.count, &mask) == 0)
            let place = try #require(mask.firstIndex { $0 != 0 })
            let lowest = mask[place] & (~mask[place] &+ 1)
            mask = mask.map { _ in 0 }
            mask[place] = lowest
            try #require(set(0, mask.count, &mask) == 0)
            try #require(NativeKernels().threads == 1)
        }
    }

    /// Forks while other threads allocate tensors and predict; each child predicts and ends.
    @Test(
        .disabled(
            if: ProcessInfo.processInfo.environment["SANITIZER"] == "thread",
            """
            under ThreadSanitizer Swift's runtime takes a lock for each look at a lazy global, and a \
            fork does not wait for it
            """))
    func aForkedChildPredicts() async {
        await #expect(processExitsWith: .success) {
            typealias Fork = @convention(c) () -> pid_t
            // Swift hides the function, as most programs are better off without it.
            let fork = unsafeBitCast(try #require(dlsym(nil, "fork")), to: Fork.self)
            let (network, x) = try sharedWork()
            let expected = try network.predict(x, threads: 2)
            for _ in 0..<3 {
                Thread.detachNewThread {
                    while true { _ = try? network.predict(x, threads: 2) }
                }
            }
            for _ in 0..<20 {
                let child = fork()
                if child == 0 {
                    let isRight = (try? network.predict(x, threads: 2)) == expected
                    _exit(isRight ? 0 : 1)
                }
                try #require(child > 0)
                try #require(status(of: child, within: 60) == 0)
            }
            // Without the threads' end, which would never come.
            _exit(EXIT_SUCCESS)
        }
    }

    /// GNU's runtime calls the network from each of its threads.
    @Test(.enabled(if: GNUOpenMP() != nil, "libgomp1 is not installed"))
    func anotherOpenMPRuntimeDoesNoHarm() async {
        await #expect(processExitsWith: .success) {
            let gnu = try #require(GNUOpenMP())
            let (network, x) = try sharedWork()
            let expected = try network.predict(x, threads: 1)
            let results = Results()
            gnu.runInParallel(threads: 3) {
                results.add((try? network.predict(x, threads: 3)) == expected)
            }
            try #require(results.all == [true, true, true])
            try #require(try network.predict(x, threads: 2) == expected)
        }
    }
}

/// The exit status of a child; -1 when it was still running after some seconds, or was ended by a
/// signal.
private func status(of child: pid_t, within seconds: Int) -> Int32 {
    var status: Int32 = 0
    for _ in 0..<seconds * 100 {
        if waitpid(child, &status, WNOHANG) == child {
            return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
        }
        usleep(10_000)
    }
    kill(child, SIGKILL)
    waitpid(child, &status, 0)
    return -1
}

/// What several threads found.
private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Bool] = []

    var all: [Bool] { lock.withLock { values } }
    func add(_ value: Bool) { lock.withLock { values.append(value) } }
}

/// GNU's OpenMP runtime, loaded beside LLVM's.
private struct GNUOpenMP {
    private typealias Region = @convention(c) (UnsafeMutableRawPointer?) -> Void
    private typealias Parallel =
        @convention(c) (
            Region, UnsafeMutableRawPointer?, UInt32, UInt32
        ) -> Void
    private let parallel: Parallel

    /// nil where it is not installed.
    init?() {
        guard let library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL),
            let address = dlsym(library, "GOMP_parallel")
        else { return nil }
        parallel = unsafeBitCast(address, to: Parallel.self)
    }

    /// Runs `body` on each thread of one parallel region.
    func runInParallel(threads: Int, _ body: @escaping () -> Void) {
        let box = Unmanaged.passRetained(Body(body))
        parallel(
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeUnretainedValue().run() }
            }, box.toOpaque(), UInt32(threads), 0)
        box.release()
    }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
