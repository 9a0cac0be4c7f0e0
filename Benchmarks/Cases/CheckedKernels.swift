// SPDX-License-Identifier: MIT
//
// How the rows of networks are checked. A network runs as it always does, but on kernels that stand
// between it and those that are measured, and that check each call twice:
//
// - By its own numbers: some of the results against the reference on the same inputs. Rounding may
//   part the two, by a bound for each number. A layer's bound is for its own sums alone, where
//   errors of all layers together would need a bound in which any fault has room.
// - By whole numbers: the same call once more, with tensors of the same shapes that hold small
//   whole numbers, whose sums are exact. What comes out has to be equal, so that any weight that is
//   off by 0.1 %, or taken for its neighbour, is found, however many terms a sum has.

import ConvNet

/// What was found; the harness checks a case on one thread.
final class CheckLog: @unchecked Sendable {
    var check = Check()
}

/// Kernels that check each call of those that they stand for.
struct CheckedKernels: Kernels {
    let name = "checked"
    let kernels: any Kernels
    let reference: any Kernels
    /// The images of a batch whose results are compared by their own numbers.
    let places: [Int]
    /// About how many multiply-adds the reference may spend on the numbers of one call.
    let budget: Int
    /// Whether that also limits the filters, or channels, that a convolution is compared in.
    let samplesFilters: Bool
    let log = CheckLog()

    /// - Parameter budget: that of one call; the run's unless given.
    init(_ run: Run, places: [Int], budget: Int? = nil) {
        kernels = run.kernels
        reference = run.reference
        self.places = places
        self.budget = budget ?? run.referenceBudget
        samplesFilters = budget != nil
    }

    var threads: Int { kernels.threads }

    /// Compares sums of so many terms with those of the reference, which rounds each once more.
    func compareSums(_ found: Tensor, _ expected: Tensor, magnitudes: Tensor, terms: Int) {
        guard found.shape == expected.shape, magnitudes.count == expected.count else {
            return log.check.fail()
        }
        let (expected, factor) = (expected.doubles, probableGamma(terms))
        log.check.compare(
            found.doubles, expected,
            bounds: zip(expected, magnitudes.doubles).map { wanted, magnitude in
                factor * magnitude + abs(wanted) * unitRoundoff
            })
    }

    /// Compares some samples of two results that are computed number by number, each rounded so
    /// often.
    func compareSamples(
        _ found: Tensor, roundings: Int, least: Double = 0, _ expected: Tensor
    ) throws {
        guard found.count == expected.count || found.shape.count > 1 else {
            return log.check.fail()
        }
        let factor = gamma(roundings)
        log.check.compare(
            try found.samples(at: places).doubles, expected.doubles,
            bounds: expected.doubles.map { max(abs($0) * factor, least) })
    }

    /// Fails: the benchmark has no check for this operation, so its networks may not use it.
    func unchecked(_ operation: String) -> TensorError {
        TensorError(
            operation: "Benchmarks", argument: "network", value: "one that calls \(operation)",
            expected: "operations that CheckedKernels checks")
    }
}
