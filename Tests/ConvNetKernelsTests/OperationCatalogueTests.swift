// SPDX-License-Identifier: MIT
//
// That every operation of the kernels is compared with the reference and has the same bits on any
// number of threads: a new requirement of `Kernels` without such tests fails here.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Testing

@Suite struct OperationCatalogueTests {
    /// The tests that compare with the reference, one case of each.
    private static let comparisons: [@Sendable (InstructionSet) throws -> Void] = [
        { try ProductTests().agreesWithReference($0, 0) },
        { try ConvolutionTests().agreesWithReference($0, 0) },
        { try ConvolutionTests().columnsAreExactAndTheirAdjointAdds($0, 0) },
        { try ConvolutionPartTests().partsAgreeWithReference($0, 0) },
        { try ExpansionTests().agreesWithReference($0, 0) },
        { try FusedTests().aPooledConvolutionAgreesWithReference($0, 0) },
        { try CeilModeTests().convolutionsAndFusedPoolingsAgreeWithReference($0, 0) },
        { try RectifiedTests().aRectifiedConvolutionAgreesWithReference($0, 0) },
        { try FusedTests().anAffineLayerIsTheSameTogether($0, 0) },
        { try PoolingTests().maxPoolingIsExact($0, 0) },
        { try PoolingTests().averagePoolingAgreesWithReference($0, 0) },
        { try ElementwiseTests().biasAgreesWithReference($0, 0) },
        { try ElementwiseTests().activationsAgreeWithReference($0, 0) },
        { try ElementwiseTests().lossAgreesWithReference($0, 0) },
        { try NormalizationTests().localResponseNormalizationAgreesWithReference($0, 0) },
        { try NormalizationTests().dropoutAgreesWithReference($0, 0) },
        { try BatchNormalizationKernelTests().batchNormalizationAgreesWithReference($0, 0) },
        { try BatchNormalizationKernelTests().joinedNormalizationsAreTheSame($0, 0) },
        { try BatchNormalizationKernelTests().activationsAgreeWithReference($0, 0) },
        { try BroadcastTests().resultsAgreeWithReference($0, 0) },
        { try ReductionTests().resultsAgreeWithReference($0, 0) },
        { try ShapeKernelTests().copiesAreThoseOfTheReference($0, 0) },
        { try ShapeKernelTests().resamplingAgreesWithReference($0, 0) },
        { try UpdateTests().stepsAlongTheGradientAgreeWithReference($0, 0) },
        { try UpdateTests().scaledStepsAgreeWithReference($0, 0) },
        { try UpdateTests().sumsOfSquaresAreExact($0, 33) },
    ]

    @Test func everyOperationIsComparedWithTheReference() throws {
        let kernels = RecordingKernels(ReferenceKernels())
        try Yardstick.$kernels.withValue(kernels) {
            for compare in Self.comparisons { try compare(.best) }
        }
        try Self.expectAll(kernels.calls)
    }

    @Test func everyOperationHasItsBitsCompared() throws {
        let kernels = RecordingKernels(NativeKernels())
        _ = try SameBitsTests.results(kernels)
        try Self.expectAll(kernels.calls)
    }

    private static func expectAll(_ calls: Set<String>) throws {
        let operations = try KernelRequirements.operations()
        // The list was read: these come of three of the protocols.
        #expect(
            operations.isSuperset(of: [
                "addBias(_:to:)", "affine(_:weights:bias:rectified:)", "batchStatistics(_:)",
            ]))
        #expect(operations.subtracting(calls).sorted() == [])
        #expect(calls.subtracting(operations).sorted() == [])
    }
}
