// SPDX-License-Identifier: MIT
//
// That the catalogue has every layer of the package, each with all that tests ask of one.

import Testing

@testable import ConvNet

struct LayerCatalogueTests {
    /// A layer without an entry would go without every test that runs over them.
    @Test func everyLayerHasAnEntry() throws {
        let entries = try LayerCatalogue.entries()
        let names = BuiltInLayers.types.map { $0.typeName }
        #expect(entries.map(\.typeName).sorted() == names.sorted())
        for entry in entries {
            #expect(!entry.examples.isEmpty, "\(entry.typeName) has no example")
            for example in entry.examples {
                #expect(example.typeName == entry.typeName, "\(example.testDescription)")
            }
        }
        let examples = try LayerCatalogue.examples().map(\.testDescription)
        #expect(Set(examples).count == examples.count)
    }

    /// Either a layer is exported or the entry says why not.
    @Test func everyLayerIsExportedOrHasAReason() throws {
        for entry in try LayerCatalogue.entries() {
            let isExported = entry.type is any ONNXLayer.Type
            #expect(isExported == (entry.withoutONNX == nil), "\(entry.typeName)")
            guard isExported else { continue }
            for example in entry.examples {
                #expect(try !example.network().onnxData(file: "f").isEmpty)
            }
        }
    }

    /// Either PyTorch's numbers are there or the entry says why not, and no others are.
    @Test func everyLayerIsComparedWithPyTorchOrHasAReason() throws {
        let compared = try LayerCatalogue.entries().filter { $0.withoutPyTorch == nil }
        #expect(
            try Set(LayerFixture.load().cases.map(\.layer))
                == Set(compared.map(\.typeName)))
    }
}
