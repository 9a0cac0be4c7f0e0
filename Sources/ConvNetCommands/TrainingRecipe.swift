// SPDX-License-Identifier: MIT
//
// The settings that networks were published with. Each is what --network implies and an option
// overrides; the number of epochs is the caller's choice alone.

import ConvNet
import ConvNetOptions

/// How a network was trained by its authors.
struct TrainingRecipe: Sendable {
    /// Where it stands.
    let source: String
    /// The step size for ``batchSize`` times ``accumulation`` images.
    let learningRate: Double
    /// As `--schedule` has it, of ``epochs`` epochs.
    let schedule: Schedule
    /// For how many steps the learning rate rises.
    var warmUp = 0
    /// How much of the velocity each step of descent keeps.
    var momentum = 0.9
    /// How much weights decay.
    let weightDecay: Double
    /// Which parameters decay.
    var decaying = DecayedParameters.all
    /// The images that are computed together.
    let batchSize: Int
    /// How many batches make a step.
    var accumulation = 1
    /// How often training went through the images there.
    let epochs: Int
    /// The changes of images, as `--augment` has them; photographs only, as digits have a right
    /// side.
    let augmentation: String

    /// How the learning rate changes.
    enum Schedule: Sendable {
        /// A cosine to 0 at the end.
        case cosine
        /// A line to 0 at the end.
        case linear
        /// A factor every so many of the recipe's epochs; fewer where training is shorter.
        case step(epochs: Int, factor: Double)
    }

    /// What it comes to, for people.
    ///
    /// - Parameters:
    ///   - settings: those of the optimizer, options included.
    ///   - changes: how images are changed at random; nil for not at all.
    func line(_ settings: String, changes: String?, epochs: Int) -> String {
        let changed = changes.map { ", changed by \($0)" } ?? ""
        return
            "\(settings)\(changed) (\(source); \(self.epochs) epochs there, --epochs \(epochs) here)"
    }

    /// How many images make a step.
    var samples: Int { batchSize * accumulation }

    /// The recipe that a call implies: that of a named network, unless training begins with
    /// another's parameters; nil for the networks of the chapter.
    static func implied(by options: Options) throws(UsageError) -> TrainingRecipe? {
        let name = try Networks.name(options)
        guard options.string("from") == nil else { return nil }
        return NamedGraph.all.first { $0.name == name }?.recipe
    }

    /// Residual networks for small images: the paper's, with a cosine for its two steps, and decay
    /// on weights alone.
    static let smallImages = TrainingRecipe(
        source: "He et al. 2016, section 4.2, with warm-up and cosine", learningRate: 0.1,
        schedule: .cosine, warmUp: 200, weightDecay: 1e-4, decaying: .weights, batchSize: 128,
        epochs: 164, augmentation: "shift:4,flip")
    /// Residual networks for photographs: torchvision's, which has 32 images on each of 8 devices.
    static let photographs = TrainingRecipe(
        source: "torchvision", learningRate: 0.1, schedule: .step(epochs: 30, factor: 0.1),
        weightDecay: 1e-4, batchSize: 32, accumulation: 8, epochs: 90,
        augmentation: "resized-crop,flip")
    /// MobileNetV2: torchvision's.
    static let mobileNet = TrainingRecipe(
        source: "torchvision", learningRate: 0.045, schedule: .step(epochs: 1, factor: 0.98),
        weightDecay: 4e-5, batchSize: 32, accumulation: 8, epochs: 300,
        augmentation: "resized-crop,flip")
    /// SqueezeNet 1.1: its authors' solver, 170,000 steps.
    static let squeezeNet = TrainingRecipe(
        source: "its authors' solver", learningRate: 0.04, schedule: .linear, weightDecay: 2e-4,
        batchSize: 32, accumulation: 16, epochs: 68, augmentation: "shift:16,flip")
    /// U-Net: one image a step, and so much momentum that a step looks at many.
    static let segmentation = TrainingRecipe(
        source: "Ronneberger et al. 2015, section 3", learningRate: 0.01, schedule: .cosine,
        momentum: 0.99, weightDecay: 0, batchSize: 1, epochs: 10, augmentation: "flip")
}
