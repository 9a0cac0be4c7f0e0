// SPDX-License-Identifier: MIT
//
// The steps of Winograd's transforms, as CSources/CConvKernels/kernels/winograd_transform.inc has
// them: which sums are rounded, and how each of their roundings reaches what comes out.

/// Half a unit in the last place of a Float near a number, which itself may have been rounded
/// before.
func halfUnit(_ number: Double) -> Double {
    let binade = Double(
        sign: .plus, exponent: max((abs(number) * (1 + 0x1p-18)).exponent, -126), significand: 1)
    return number == 0 ? 0 : binade * 0x1p-24
}

/// What roundings add up to, at worst and in square.
struct RoundingSum {
    private var total = 0.0
    private var squares = 0.0

    mutating func add(_ effect: Double) {
        total += abs(effect)
        squares += effect * effect
    }

    mutating func add(_ other: RoundingSum, times factor: Double) {
        total += abs(factor) * other.total
        squares += factor * factor * other.squares
    }

    var bound: Double { min(total, WinogradRounding.deviations * squares.squareRoot()) }
}

/// A transform along one axis: sums of two numbers each, every one of them rounded.
struct LinearSteps {
    private struct Step {
        let a, b: Int
        let factorA, factorB: Double
    }

    typealias Term = (index: Int, factor: Double)

    let inputCount: Int
    private var steps: [Step] = []
    private var outputs: [Term] = []

    private init(_ inputCount: Int) { self.inputCount = inputCount }

    var valueCount: Int { inputCount + steps.count }
    var outputCount: Int { outputs.count }

    /// Adds a sum of two numbers times factors, which are powers of two: only the sum is rounded.
    private mutating func sum(_ a: Int, _ b: Int, _ factorA: Double = 1, _ factorB: Double = 1)
        -> Int
    {
        steps.append(Step(a: a, b: b, factorA: factorA, factorB: factorB))
        return valueCount - 1
    }

    /// Adds a product that is rounded.
    private mutating func product(_ a: Int, _ factor: Double) -> Int { sum(a, a, factor, 0) }

    /// All values: inputs, then steps.
    func values(_ inputs: [Double]) -> [Double] {
        var values = inputs
        values.reserveCapacity(valueCount)
        for step in steps {
            values.append(values[step.a] * step.factorA + values[step.b] * step.factorB)
        }
        return values
    }

    func outputs(_ values: some Collection<Double>) -> [Double] {
        outputs.map { values[values.index(values.startIndex, offsetBy: $0.index)] * $0.factor }
    }

    /// Goes backwards from how much a result depends on the outputs to how much on the inputs, and
    /// adds what the roundings of the steps contribute.
    func addRoundings(
        to sum: inout RoundingSum, halfUnits: ArraySlice<Double>, adjoints: [Double]
    ) -> [Double] {
        var weights = [Double](repeating: 0, count: valueCount)
        for (output, adjoint) in zip(outputs, adjoints) {
            weights[output.index] += output.factor * adjoint
        }
        for (place, step) in steps.enumerated().reversed() {
            let weight = weights[inputCount + place]
            sum.add(weight * halfUnits[halfUnits.startIndex + inputCount + place])
            weights[step.a] += weight * step.factorA
            weights[step.b] += weight * step.factorB
        }
        return Array(weights[..<inputCount])
    }

    /// A tile's pixels at each point: a row of Bᵀ.
    static let expand: LinearSteps = {
        var steps = LinearSteps(6)
        let even = steps.sum(4, 2, 1, -4), odd = steps.sum(3, 1, 1, -4)
        let even2 = steps.sum(4, 2, 1, -1), odd2 = steps.sum(3, 1, 1, -1)
        func ends(_ a: Int) -> Term {
            let five = steps.product(a + 2, -5)
            return (steps.sum(steps.sum(a, five, 4), a + 4), 1)
        }
        steps.outputs = [
            ends(0), (steps.sum(even, odd), 1), (steps.sum(even, odd, 1, -1), 1),
            (steps.sum(even2, odd2, 1, 2), 1), (steps.sum(even2, odd2, 1, -2), 1), ends(1),
        ]
        return steps
    }()

    /// A filter's taps at each point: a row of G.
    static func evaluate(_ taps: Int) -> LinearSteps {
        var steps = LinearSteps(taps)
        var (even, odd) = (steps.sum(0, 2), (1, 1.0)),
            (even2, odd2) = (steps.sum(0, 2, 1, 4), (1, 2.0))
        if taps == 5 {
            even = steps.sum(even, 4)
            odd = (steps.sum(1, 3), 1)
            even2 = steps.sum(even2, 4, 1, 16)
            odd2 = (steps.sum(1, 3, 2, 8), 1)
        }
        steps.outputs = [
            (0, 1), (steps.sum(even, odd.0, 1, odd.1), 1), (steps.sum(even, odd.0, 1, -odd.1), 1),
            (steps.sum(even2, odd2.0, 1, odd2.1), 1), (steps.sum(even2, odd2.0, 1, -odd2.1), 1),
            (taps - 1, 1),
        ]
        return steps
    }

    /// Outputs from what they are at each point: a row of Aᵀ.
    static func interpolate(_ outputs: Int) -> LinearSteps {
        var steps = LinearSteps(6)
        let even = steps.sum(1, 2), odd = steps.sum(2, 1, 1, -1)
        let even2 = steps.sum(3, 4), odd2 = steps.sum(3, 4, 1, -1)
        let first = steps.sum(steps.sum(steps.product(0, 6), even, 1, -4), even2)
        let second = steps.sum(odd, odd2, 4, 2), last = steps.product(5, 24)
        steps.outputs =
            outputs == 2
            ? [(first, 1), (steps.sum(second, last), 1)]
            : [
                (first, 1), (second, 1), (steps.sum(even2, even, 4, -4), 1),
                (steps.sum(steps.sum(odd, odd2, 4, 8), last), 1),
            ]
        return steps
    }

    /// The gradients of outputs at each point: a row of A.
    static func spread(_ outputs: Int) -> LinearSteps {
        var steps = LinearSteps(outputs)
        var (even, odd, even2, odd2) = (0, 1, 0, (1, 2.0))
        if outputs == 4 {
            (even, odd) = (steps.sum(0, 2), steps.sum(1, 3))
            (even2, odd2) = (steps.sum(0, 2, 1, 4), (steps.sum(1, 3, 2, 8), 1))
        }
        steps.outputs = [
            (steps.product(0, 6), 1), (steps.sum(even, odd), -4), (steps.sum(odd, even, 1, -1), 4),
            (steps.sum(even2, odd2.0, 1, odd2.1), 1), (steps.sum(even2, odd2.0, 1, -odd2.1), 1),
            (steps.product(outputs - 1, 24), 1),
        ]
        return steps
    }

    /// A filter's gradient from what it is at each point: a row of Gᵀ.
    static func collect(_ taps: Int) -> LinearSteps {
        var steps = LinearSteps(6)
        let even = steps.sum(1, 2), odd = steps.sum(1, 2, 1, -1)
        let even2 = steps.sum(3, 4), odd2 = steps.sum(3, 4, 1, -1)
        var gradients = [
            steps.sum(steps.sum(0, even), even2), steps.sum(odd, odd2, 1, 2),
            steps.sum(even, even2, 1, 4),
        ]
        if taps == 5 {
            gradients += [steps.sum(odd, odd2, 1, 8), steps.sum(even, even2, 1, 16)]
        }
        gradients[taps - 1] = steps.sum(gradients[taps - 1], 5)
        steps.outputs = gradients.map { ($0, 1) }
        return steps
    }
}

/// A square's transform along both axes: first its columns, then the rows of what comes of them.
struct SquareTrace {
    /// What comes out, row by row.
    let points: [Double]
    /// Half units in the last place of all values of each line, columns first.
    private let halfUnits: [Double]

    init(_ square: [Double], _ steps: LinearSteps) {
        let side = steps.inputCount
        let columns = (0..<side).map { j in steps.values((0..<side).map { square[$0 * side + j] }) }
        let columnOutputs = columns.map(steps.outputs)
        let rows = (0..<steps.outputCount).map { p in steps.values(columnOutputs.map { $0[p] }) }
        points = rows.flatMap(steps.outputs)
        halfUnits = (columns + rows).flatMap { $0.map(halfUnit) }
    }

    /// As of one line.
    func addRoundings(
        to sum: inout RoundingSum, _ steps: LinearSteps, adjoints: [Double]
    ) -> [Double] {
        let (side, count) = (steps.inputCount, steps.outputCount)
        let length = steps.valueCount
        func line(_ index: Int) -> ArraySlice<Double> {
            halfUnits[index * length..<(index + 1) * length]
        }
        let rows = (0..<count).map { p in
            steps.addRoundings(
                to: &sum, halfUnits: line(side + p),
                adjoints: Array(adjoints[p * count..<(p + 1) * count]))
        }
        let columns = (0..<side).map { j in
            steps.addRoundings(to: &sum, halfUnits: line(j), adjoints: rows.map { $0[j] })
        }
        return (0..<side * side).map { columns[$0 % side][$0 / side] }
    }
}
