// SPDX-License-Identifier: MIT
//
// How widely first weights are spread.

import ConvNet
import Testing

struct InitializationTests {
    /// The sample deviation of n normal numbers is off by about σ/√(2n): five of those are allowed,
    /// and σ/√n five times for the mean.
    @Test(arguments: [
        (Initialization.standardDeviation(0.01), 0.01), (.he, (2.0 / 4320).squareRoot()),
        (.xavier, (2.0 / 4420).squareRoot()),
    ])
    func weightsAreSpreadAsAsked(_ initialization: Initialization, _ deviation: Double) throws {
        let network = try SimpleConvNet(seed: 1, initialization: initialization)
        let weights = network.parameters[2].value.doubles
        let count = Double(weights.count)
        let mean = weights.reduce(0, +) / count
        let variance = weights.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / (count - 1)
        #expect(abs(mean) <= 5 * deviation / count.squareRoot())
        #expect(abs(variance.squareRoot() - deviation) <= 5 * deviation / (2 * count).squareRoot())
        for place in [1, 3, 5] {
            #expect(network.parameters[place].value.doubles.allSatisfy { $0 == 0 })
        }
    }

    @Test func fansOfAConvolutionCountItsTaps() {
        #expect(Initialization.he.standardDeviation(fanIn: 25, fanOut: 750) == 0.08.squareRoot())
        #expect(Initialization.xavier.standardDeviation(fanIn: 25, fanOut: 25) == 0.2)
    }

    @Test func seedsAndLayersDiffer() throws {
        let (one, same, other) = (
            try smallNetwork(seed: 1), try smallNetwork(seed: 1), try smallNetwork(seed: 2)
        )
        #expect(one.parameters.map(\.value) == same.parameters.map(\.value))
        #expect(one.parameters[0].value != other.parameters[0].value)
        let first = one.parameters[2].value.scalars.prefix(9)
        #expect(Array(first) != one.parameters[0].value.scalars.prefix(9).map { $0 })
    }

    @Test func names() throws {
        #expect(try Initialization(name: "he") == .he)
        #expect(try Initialization(name: "xavier") == .xavier)
        #expect(try Initialization(name: "0.05") == .standardDeviation(0.05))
    }

    @Test(arguments: ["", "He", "-1", "nan", "inf", "zero"])
    func wrongNamesAreRefused(_ name: String) {
        #expect(
            throws: TensorError(
                operation: "Initialization", argument: "name", value: name,
                expected: "he, xavier or a standard deviation of at least 0")
        ) { try Initialization(name: name) }
    }

    @Test(arguments: [-1, .nan, .infinity])
    func wrongDeviationsAreRefused(_ deviation: Double) {
        #expect(throws: TensorError.self) {
            try SimpleConvNet(seed: 1, initialization: .standardDeviation(deviation))
        }
    }
}
