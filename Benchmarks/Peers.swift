// SPDX-License-Identifier: MIT
//
// Other libraries' matrix products, for comparison. They are looked for when the benchmark runs, so
// that it neither needs nor links them.

import ConvNet
import ConvNetOptions
import Foundation

/// An installed BLAS library.
struct Peer: Sendable {
    /// cblas_sgemm: order, transpositions, sizes, alpha, A, B, beta, C.
    private typealias Product =
        @convention(c) (
            Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
            UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
        ) -> Void

    /// What a library is called, and how it is found, and how its number of threads is set.
    private struct Description {
        let name: String
        let package: String
        let files: [String]
        let threadSetter: String
        /// Sets the threads; BLIS counts in C's long, OpenBLAS in int, which one register holds
        /// alike.
        typealias ThreadSetter = @convention(c) (Int) -> Void
    }

    private static let known = [
        Description(
            name: "openblas", package: "libopenblas0", files: ["libopenblas.so.0"],
            threadSetter: "openblas_set_num_threads"),
        Description(
            name: "blis", package: "libblis4", files: ["libblis.so.4", "libblis.so.3"],
            threadSetter: "bli_thread_set_num_threads"),
    ]

    /// Its name, such as `openblas`.
    let name: String
    /// The processor that it took this one for, as far as it says: an older library may not know
    /// it, and fall back on plain kernels.
    let kernels: String
    private let product: Product

    /// The libraries of a list such as `openblas,blis`.
    ///
    /// - Throws: ``UsageError`` when one is unknown or not installed.
    static func loaded(_ list: String, threads: Int) throws(UsageError) -> [Peer] {
        // All names first: what is said of a list does not depend on what is installed.
        var descriptions: [Description] = []
        for name in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard let description = known.first(where: { $0.name == name }) else {
                let names = known.map(\.name).joined(separator: ", ")
                throw UsageError("--compare is \(list), expected some of \(names)")
            }
            if !descriptions.contains(where: { $0.name == name }) {
                descriptions.append(description)
            }
        }
        return try descriptions.map { description throws(UsageError) in
            try Peer(description, threads: threads)
        }
    }

    private init(_ description: Description, threads: Int) throws(UsageError) {
        name = description.name
        let handles = description.files.lazy.compactMap { dlopen($0, RTLD_NOW | RTLD_LOCAL) }
        guard let handle = handles.first, let product = dlsym(handle, "cblas_sgemm"),
            let setThreads = dlsym(handle, description.threadSetter)
        else {
            throw UsageError(
                "--compare \(description.name): not installed; Debian has it as "
                    + description.package)
        }
        self.product = unsafeBitCast(product, to: Product.self)
        unsafeBitCast(setThreads, to: Description.ThreadSetter.self)(threads)
        kernels = Self.kernelName(handle) ?? "unknown"
    }

    private static func kernelName(_ handle: UnsafeMutableRawPointer) -> String? {
        typealias Name = @convention(c) () -> UnsafePointer<CChar>?
        typealias Query = @convention(c) () -> Int32
        typealias NameOfQuery = @convention(c) (Int32) -> UnsafePointer<CChar>?
        if let name = dlsym(handle, "openblas_get_corename") {
            return unsafeBitCast(name, to: Name.self)().map { String(cString: $0) }
        }
        guard let query = dlsym(handle, "bli_arch_query_id"),
            let name = dlsym(handle, "bli_arch_string")
        else { return nil }
        let identifier = unsafeBitCast(query, to: Query.self)()
        return unsafeBitCast(name, to: NameOfQuery.self)(identifier).map { String(cString: $0) }
    }

    /// C = A B, for row-major matrices [M, K], [K, N] and [M, N].
    func multiply(_ a: Tensor, _ b: Tensor, into c: inout Tensor) {
        let (m, k, n) = (Int32(a.shape[0]), Int32(a.shape[1]), Int32(b.shape[1]))
        let (rowMajor, notTransposed): (Int32, Int32) = (101, 111)
        a.withUnsafeScalars(of: Float.self) { a in
            b.withUnsafeScalars(of: Float.self) { b in
                c.withUnsafeMutableScalars(of: Float.self) { c in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress
                    else { return }
                    product(
                        rowMajor, notTransposed, notTransposed, m, n, k, 1, a, k, b, n, 0, c, n)
                }
            }
        }
    }

    /// Waits until the threads that the last library left spinning have gone to sleep: LLVM's
    /// OpenMP runtime lets them spin for a fifth of a second.
    static func settle() { Thread.sleep(forTimeInterval: 0.25) }
}

/// What a peer has to do in a case.
struct PeerCase {
    /// One full run.
    let run: (Peer) throws -> Void
    /// Compares a full run with the reference's part.
    let check: (Peer) throws -> Check
}
