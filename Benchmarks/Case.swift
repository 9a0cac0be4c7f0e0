// SPDX-License-Identifier: MIT
//
// A case: something to check and to time. It is prepared when its turn comes and released
// afterwards, so that the benchmark needs the memory of its largest case only.

import ConvNet

/// The least work that an operation takes, in any implementation.
///
/// A rate is given in what the case is named for; the other figure gives the case its place on the
/// roofline.
enum Work: Sendable {
    /// Floating-point operations: a multiplication and an addition are two. Beside them the bytes
    /// that must be moved, where they are known.
    case operations(Double, bytes: Double? = nil)
    /// Bytes to move: each input read once, each output written once. Beside them the additions and
    /// comparisons.
    case bytes(Double, operations: Double = 0)
}

/// A named measurement.
struct BenchmarkCase: Sendable {
    /// The name, such as `conv.forward.alex.conv2`.
    let name: String
    /// The sizes in words, such as `5×5, 96→256, 27×27, batch 16`; the case's group says the rest.
    var sizes = ""
    /// What it must at least do.
    let work: Work
    /// Whether repeated runs are to do with the memory that the first ones got; the report then
    /// says how often they asked for more.
    var countsAllocations = false
    /// Whether it is measured with `--full`, a filter or a baseline only. The other cases have
    /// every operation, and each way that a kernel goes, once at least.
    var needsFull = false
    /// The ONNX file of `--models` that it reads where there is one, without its ending.
    var model: String?
    /// Whether it can't do without that file.
    var needsModel = false
    /// Makes the inputs.
    let prepare: @Sendable (_ run: Run) throws -> PreparedCase
}

/// What a case runs with.
struct Run: Sendable {
    /// What is measured.
    let kernels: any Kernels
    /// What it is compared with.
    let reference: any Kernels
    /// About how many multiply-adds or moves the reference may spend on one case.
    let referenceBudget: Int
    /// Where networks are read from.
    var models: ModelFolder?
}

/// A case with its inputs.
struct PreparedCase {
    /// One full run of what is measured.
    let native: () throws -> Void
    /// Runs the reference's part once. What it returns compares a full run with that part.
    let reference: () throws -> (() throws -> Check)
    /// The share of the full work that the reference's part is: 1 for all of it.
    let referenceShare: Double
    /// The same work for other libraries; nil where they have nothing like it.
    var peers: PeerCase?

    /// Compares a full run with the reference's part.
    func check() throws -> Check { try reference()() }
}

enum Cases {
    /// All cases, in the table's order.
    static var all: [BenchmarkCase] {
        ProductCases.all + ColumnsCases.all + ConvolutionCases.all + PoolingCases.all
            + ElementwiseCases.all + ShapeCases.all + NetworkCases.all + ModelCases.all
    }
}
