// SPDX-License-Identifier: MIT
//
// Data sets, and bytes of files; pictures. Whole untrusted files are libFuzzer's task, in Fuzzing.

import ConvNet
import ConvNetData
import ConvNetImages
import ConvNetPlots
import Foundation

extension Call {
    static let data = [
        Call("LabeledImages") { draw in
            let images = try LabeledImages(
                images: draw.tensor(draw.shape(4)), labels: draw.labels(draw.small(), classes: 3),
                classes: draw.size(3), shuffleSeed: draw.once(in: 2) ? nil : draw.seed())
            _ = (images.order(ofEpoch: draw.integer()), images.identity)
            _ = images.batchCount(size: draw.integer())
            _ = try images.batch(at: draw.list(upTo: 3) { $0.size($0.below(3)) })
            let (training, heldOut) = try images.split(
                holdingOut: draw.real(0.5), seed: draw.seed())
            _ = (training.order(ofEpoch: draw.integer()), heldOut.identity)
            _ = try? heldOut.batch(at: draw.list(upTo: 2) { $0.integer() })
            _ = try images.prefix(draw.integer()).shuffled(seed: draw.seed())
        },
        Call("ImagePipeline") { draw in
            let augmentation =
                draw.once(in: 4)
                ? try Augmentation(name: draw.text())
                : try Augmentation(
                    shift: draw.size(1), rotation: draw.real(10), crop: draw.real(0.1),
                    flip: draw.flag())
            let images = try draw.images()
            let normalization =
                draw.once(in: 2)
                ? try Normalization(of: images)
                : try Normalization(
                    means: draw.list(upTo: 2) { $0.real(0) },
                    deviations: draw.list(upTo: 2) { $0.real(1) })
            let pipeline = try ImagePipeline(
                images, augmentation: draw.once(in: 3) ? nil : augmentation,
                normalization: draw.once(in: 3) ? nil : normalization, seed: draw.seed())
            let places = draw.list(upTo: 3) { $0.size($0.below(5)) }
            _ = (pipeline.identity, pipeline.order(ofEpoch: draw.integer()))
            _ = try pipeline.batch(at: places)
            _ = try pipeline.batch(at: places, epoch: draw.integer())
        },
        Call("SyntheticDigits, SyntheticPatterns") { draw in
            if draw.once(in: 2) {
                _ = try SyntheticDigits.make(count: draw.once(in: 2) ? 2 : draw.strange(), seed: 1)
            }
            let patterns = try SyntheticPatterns(
                count: draw.size(3), side: draw.size(9), seed: draw.seed())
            _ = patterns.batchCount(size: draw.integer())
            _ = try patterns.batch(at: draw.list(upTo: 3) { $0.size($0.below(3)) })
        },
    ]

    static let files = [
        Call("Safetensors") { draw in
            let tensors = try draw.list(upTo: 3) { ($0.text(), try $0.tensor()) }
            let bytes = try Safetensors.encode(
                tensors, metadata: [draw.text(): draw.text()], file: draw.text())
            _ = try Safetensors.decode(Data(draw.damaged([UInt8](bytes))))
        },
        Call("Network(contentsOf:), loadParameters(from:)") { draw in
            var network = try draw.network()
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("convnet-drawn-\(getpid())")
            defer { try? FileManager.default.removeItem(at: file) }
            try network.save(to: file)
            let bytes = draw.damaged([UInt8](try Data(contentsOf: file)))
            try Data(bytes).write(to: file)
            let again = try Network(contentsOf: file, kernels: draw.kernels())
            try network.loadParameters(from: file)
            try again.exportONNX(to: URL(fileURLWithPath: "/dev/null/none"))
        },
        Call("IDX.decode(_:file:expecting:)") { draw in
            let bytes: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8]
            _ = try IDX.decode(
                draw.damaged(bytes), file: draw.text(),
                expecting: draw.once(in: 2)
                    ? nil : draw.list(upTo: 3) { $0.once(in: 2) ? nil : $0.integer() })
        },
        Call("NumPy.array(bytes:file:)") { draw in
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n"
            let bytes =
                [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
                + Array(header.utf8) + [UInt8](repeating: 0, count: 8)
            _ = try NumPy.array(bytes: draw.damaged(bytes), file: draw.text())
        },
        Call("NumPy.arrays(bytes:file:)") { draw in
            // An archive without entries.
            let bytes = Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 18)
            _ = try NumPy.arrays(bytes: draw.damaged(bytes), file: draw.text())
        },
        Call("files that are none") { draw in
            let file = URL(
                fileURLWithPath: draw.pick([
                    "/dev/null", "/dev/zero", "/", "/no/such", "/dev/null/a",
                ]))
            switch draw.below(8) {
            case 0: _ = try Safetensors.contents(of: file)
            case 1: _ = try Network(contentsOf: file)
            case 2: _ = try Checkpoint(contentsOf: file)
            case 3: _ = try IDX.read(contentsOf: file)
            case 4: _ = try NumPy.array(contentsOf: file)
            case 5: _ = try NumPy.arrays(contentsOf: file)
            case 6: _ = try Image(contentsOf: file)
            default: _ = try MNIST.load(from: file, .test)
            }
        },
    ]

    static let pictures = [
        Call("Image") { draw in
            let picture = try Picture.learningCurves(LearningCurves(trainLoss: [1, 0.5]))
            let bytes = try picture.bytes(.png, scale: 0.05)
            let image = try Image(bytes: draw.damaged(bytes), file: "image")
            _ = try image.tensor(
                channels: draw.size(1), height: draw.once(in: 2) ? nil : draw.size(5),
                width: draw.once(in: 2) ? nil : draw.size(5), inverted: draw.flag())
        },
        Call("Picture.learningCurves") { draw in
            func curve(_ draw: inout Arguments) -> [Double] { draw.list(upTo: 4) { $0.real(0.5) } }
            let curves = LearningCurves(
                trainLoss: curve(&draw), testLoss: draw.once(in: 2) ? [] : curve(&draw),
                trainAccuracy: draw.once(in: 2) ? [] : curve(&draw))
            try draw.render(Picture.learningCurves(curves))
            try draw.render(
                Picture.learningCurves(
                    of: draw.list(upTo: 9) { TrainingRun(name: $0.text(), curves: curves) }))
        },
        Call("Picture.confusion") { draw in
            let classes = draw.once(in: 4) ? draw.below(4) : 3
            let counts = (0..<classes).map { _ in
                (0..<(draw.once(in: 12) ? 2 : classes)).map { _ in draw.size(5) }
            }
            let mistakes = try draw.list(upTo: 3) { draw in
                Mistake(
                    index: draw.integer(), label: draw.integer(), prediction: draw.integer(),
                    probability: draw.real(), image: try draw.tensor([1, 1, 4, 4]))
            }
            let names = draw.once(in: 2) ? [] : (0..<classes).map { _ in draw.text() }
            try draw.render(Picture.confusion(counts, mistakes: mistakes, names: names))
        },
        Call("Picture.attention") { draw in
            try draw.render(
                Picture.attention(
                    image: draw.tensor([1, draw.pick([1, 3]), 4, 4]),
                    map: draw.tensor([1, 1, draw.small(), 2]).map { abs($0) },
                    title: draw.text()))
        },
        Call("Picture.filters, Picture.responses") { draw in
            let weights = try draw.tensor([draw.small(), draw.pick([1, 2, 3]), 3, 3])
            let before = draw.once(in: 2) ? nil : try draw.tensor(weights.shape)
            let limit = draw.once(in: 2) ? nil : draw.size(2)
            try draw.render(
                Picture.filters(
                    weights, before: before, title: draw.text(), titleBefore: draw.text(),
                    limit: limit))
            try draw.render(
                Picture.responses(
                    image: draw.tensor([1, 1, 6, 6]), weights: draw.tensor([2, 1, 3, 3]),
                    responses: draw.tensor([1, 2, 4, 4]), limit: limit))
        },
        Call("Picture.features") { draw in
            let layers = try draw.list(upTo: 3) { draw in
                LayerOutput(
                    name: draw.text(), kind: draw.text(),
                    output: draw.once(in: 2)
                        ? try draw.tensor([1, 4, 3, 3]) : try draw.tensor([1, 4]))
            }
            try draw.render(
                Picture.features(
                    image: draw.tensor([1, draw.pick([1, 3]), 4, 4]), layers: layers,
                    channels: draw.size(2)))
        },
        Call("Picture.benchmark") { draw in
            let points = draw.list(upTo: 4) { draw in
                BenchmarkPoint(
                    name: draw.text(), family: draw.text(), seconds: draw.real(1),
                    operations: draw.real(1e9), bytes: draw.real(1e6),
                    speedup: draw.once(in: 2) ? nil : draw.real(2),
                    peers: draw.once(in: 2) ? [:] : [draw.text(): draw.real(1)])
            }
            try draw.render(
                Picture.benchmark(
                    points,
                    limits: MachineLimits(
                        title: draw.text(), peak: draw.real(1e11), bandwidth: draw.real(1e10))))
        },
    ]
}

extension Arguments {
    /// Five small images of three classes.
    mutating func images() throws -> LabeledImages {
        try LabeledImages(
            images: tensor([5, 1, 5, 5]), labels: labels(5, classes: 3), classes: 3,
            shuffleSeed: once(in: 2) ? nil : seed())
    }

    /// Turns a picture into bytes, seldom with a strange scale.
    mutating func render(_ picture: Picture) throws {
        _ = try picture.bytes(once(in: 8) ? .png : .svg, scale: real(0.1), file: text())
    }
}
