// SPDX-License-Identifier: MIT
//
// What can go wrong between ranks.

internal import CConvMPI

/// MPI that can't be used, or no longer.
public enum MPIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The package was built without its trait MPI.
    case notBuilt
    /// MPI refused something: what was asked of it, and what it said.
    case failed(operation: String, message: String)
    /// The process of a rank on this machine has ended, so that nothing more will come from it.
    case rankEnded(rank: Int, process: Int)

    /// One line.
    public var description: String {
        switch self {
        case .notBuilt: "built without MPI, expected a build with the package trait MPI"
        case .failed(let operation, let message): "MPI: \(operation) failed: \(message)"
        case .rankEnded(let rank, let process):
            "rank \(rank), process \(process), has ended before the work was done"
        }
    }

    /// Fails where a number that C gave back is an error's.
    static func check(_ status: CInt, _ operation: String) throws(MPIError) {
        guard status != 0 else { return }
        guard status != CONVMPI_NOT_BUILT else { throw .notBuilt }
        var text = [CChar](repeating: 0, count: 512)
        convmpi_error_text(status, &text, text.count)
        throw .failed(
            operation: operation,
            message: String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
    }
}
