// SPDX-License-Identifier: MIT
//
// Training: optimizers and their state, schedules, trainers, checkpoints, histories.

import ConvNet
import ConvNetData
import Foundation

extension Call {
    static let optimizers = [
        Call("Network.trainStep(on:with:loss:)") { draw in
            var (updater, network) = (try draw.updater(), try draw.network())
            let batch = try draw.images().batch(at: [0])
            _ = try? network.trainStep(on: batch, with: &updater)
            try network.trainStep(on: batch, with: &updater)
            _ = (updater.configuration, updater.state)
            var other = try Network(
                inputShape: [2], layers: [NamedLayer("a", Affine(inputSize: 2, outputSize: 2))])
            try other.trainStep(
                on: Batch(images: draw.tensor([1, 2]), labels: [0]), with: &updater)
        },
        Call("Updater: update, restore") { draw in
            var (updater, network) = (try draw.updater(), try draw.network())
            let batch = try draw.images().batch(at: [0])
            try network.trainStep(on: batch, with: &updater)
            var state = updater.state
            for name in state.counters.keys where draw.once(in: 2) {
                state.counters[name] = draw.integer()
            }
            for name in state.tensors.keys where draw.once(in: 4) {
                state.tensors[name] = try draw.list(upTo: 3) { try $0.tensor() }
            }
            if draw.once(in: 8) { state.counters[draw.text()] = draw.integer() }
            if draw.once(in: 8) { state.tensors[draw.text()] = [] }
            try updater.restore(state, for: network)
            try network.trainStep(on: batch, with: &updater)
            var parameters = try draw.list(upTo: 3) { try $0.tensor() }
            try? updater.update(
                &parameters, gradients: parameters, names: draw.list(upTo: 3) { $0.text() },
                on: draw.kernels())
            try state.check(
                tensors: [draw.text()], counters: [draw.text()], suit: network, operation: "a")
        },
        Call("LearningRateSchedule.factor(atStep:)") { draw in
            let schedule = try draw.schedule()
            for _ in 0..<4 { _ = schedule.factor(atStep: draw.integer()) }
        },
        Call("Optimizers.named, GradientClipping(name:)") { draw in
            if draw.once(in: 2) { _ = try GradientClipping(name: draw.text()) }
            _ = try Optimizers.named(
                draw.once(in: 4) ? draw.text() : draw.pick(Optimizers.names),
                learningRate: draw.once(in: 2) ? nil : draw.real(),
                weightDecay: draw.once(in: 2) ? nil : draw.real(),
                momentum: draw.once(in: 2) ? nil : draw.real())
        },
    ]

    static let training = [
        Call("Trainer.train") { draw in
            var (trainer, network) = (try draw.trainer(), try draw.network())
            let images = try draw.images()
            let checkpoints =
                draw.once(in: 2)
                ? nil
                : try Checkpoints(
                    file: URL(fileURLWithPath: "/dev/null/none"), everySteps: draw.size(100))
            let stop = StopRequest()
            var steps = 0
            try trainer.train(
                &network, on: images, testing: draw.once(in: 2) ? nil : images,
                checkpoints: checkpoints, stop: stop
            ) { _ in
                // A number of epochs may be any.
                steps += 1
                if steps == 12 { stop.stop() }
            }
            _ = try trainer.averaged(network)
            _ = try trainer.averaged(draw.network())
        },
        Call("Checkpoint") { draw in
            let (network, updater) = (try draw.network(), try draw.updater())
            var progress = TrainingProgress()
            progress.epochs = draw.size(1)
            progress.steps = draw.size(0)
            progress.lossSum = draw.real(0)
            progress.correct = draw.size(0)
            progress.seconds = draw.real(0)
            progress.history = try draw.history()
            let checkpoint = try Checkpoint(
                network: network, updater: updater, progress: progress,
                settings: [draw.text(): draw.text()])
            try checkpoint.write(to: URL(fileURLWithPath: "/dev/null/none"))
        },
        Call("Trainer.train, resuming") { draw in
            var (trainer, network) = (try draw.trainer(), try draw.network())
            var progress = TrainingProgress()
            progress.epochs = draw.size(0)
            progress.steps = draw.size(draw.below(2))
            let losses = max(0, min(progress.epochs, 9)) * 3 + max(0, min(progress.steps, 9))
            progress.history = TrainingHistory(
                stepsPerEpoch: draw.size(3), stepLosses: [Double](repeating: 1, count: losses))
            let images = try draw.images()
            let checkpoint = try Checkpoint(
                network: network, updater: trainer.updater, progress: progress,
                settings: draw.settings(of: trainer, on: images))
            let stop = StopRequest()
            stop.stop()
            try trainer.train(
                &network, on: images,
                checkpoints: Checkpoints(
                    file: URL(fileURLWithPath: "/dev/null/none"), resuming: checkpoint),
                stop: stop)
        },
        Call("Sharding, LocalAverager") { draw in
            _ = try Sharding(shards: draw.integer())
            let averager = LocalAverager()
            _ = averager.broadcast(averager.gather([1])[0])
            try averager.add(draw.list(upTo: 3) { try $0.tensor() }, like: draw.tensor())
            _ = averager.finish()
        },
    ]

    static let histories = [
        Call("TrainingHistory") { draw in
            let history = try draw.history()
            let bytes = draw.damaged([UInt8](try history.jsonData()))
            _ = try TrainingHistory(jsonData: Data(bytes)).jsonData()
            let text = draw.damaged([UInt8](history.csv.utf8))
            _ = try TrainingHistory(csv: String(decoding: text, as: UTF8.self)).csv
        },
        Call("EarlyStopping") { draw in
            let stopping = try EarlyStopping(patience: draw.integer())
            _ = stopping.isDue(after: try draw.history().epochs)
        },
    ]
}

extension Arguments {
    mutating func schedule() throws -> LearningRateSchedule {
        let courses: [LearningRateSchedule.Course] = [
            .constant, .step(every: size(2), factor: real(0.1)), .cosine(steps: size(9)),
            .linear(steps: size(9)), .oneCycle(steps: size(9), rise: real(0.5)),
        ]
        return try tell(LearningRateSchedule(pick(courses), warmUpSteps: size(below(3))))
    }

    mutating func optimizer() throws -> any Optimizer {
        switch tell(below(8)) {
        case 0: try SGD(learningRate: real(0.1), weightDecay: real(0))
        case 1: try SGD(learningRate: real(0.1), momentum: real(0.9), isNesterov: flag())
        case 2:
            try Momentum(learningRate: real(0.1), momentum: real(0.9), weightDecay: real(0))
        case 3:
            try Nesterov(learningRate: real(0.1), momentum: real(0.9), weightDecay: real(0))
        case 4:
            try AdaGrad(learningRate: real(0.1), epsilon: real(1e-8), weightDecay: real(0))
        case 5:
            try RMSProp(
                learningRate: real(0.1), decay: real(0.9), epsilon: real(1e-8),
                weightDecay: real(0))
        case 6: try AdamW(learningRate: real(0.1), weightDecay: real(0))
        default: try Adam(settings: adam(), weightDecay: real(0))
        }
    }

    mutating func clipping() -> GradientClipping? {
        once(in: 3) ? once(in: 2) ? .norm(real(1)) : .value(real(1)) : nil
    }

    mutating func groups() throws -> [ParameterGroup] {
        guard once(in: 3) else { return [] }
        return try list(upTo: 2) { draw in
            try ParameterGroup(
                draw.once(in: 2) ? draw.pick(["*", "W*", "?1", "b2"]) : draw.text(),
                learningRate: draw.flag() ? draw.real(0.1) : nil,
                weightDecay: draw.flag() ? draw.real(0) : nil)
        }
    }

    mutating func updater() throws -> Updater {
        try Updater(
            optimizer(), schedule: once(in: 3) ? schedule() : nil, clipping: clipping(),
            groups: groups(), decaying: pick([.all, .weights]))
    }

    mutating func trainer() throws -> Trainer {
        try Trainer(
            optimizer: optimizer(), schedule: once(in: 3) ? schedule() : nil,
            clipping: clipping(), groups: groups(), decaying: pick([.all, .weights]),
            batchSize: size(2), dropLast: once(in: 3),
            epochs: size(2), earlyStopping: once(in: 3) ? EarlyStopping(patience: size(1)) : nil,
            averaging: once(in: 3) ? MovingAverage(decay: real(0.5)) : nil,
            batchesAhead: size(below(3)),
            sharding: once(in: 3) ? Sharding(shards: size(3)) : nil)
    }

    /// What a checkpoint of a trainer says of its settings.
    mutating func settings(
        of trainer: Trainer, on source: any BatchSource
    ) -> [String: String] {
        var settings = trainer.updater.configuration.merging(source.identity) { $1 }
        settings["batchSize"] = "\(trainer.batchSize)"
        if trainer.dropLast { settings["dropLast"] = "true" }
        if once(in: 8) { settings[text()] = text() }
        if let averaging = trainer.averaging { settings["averageDecay"] = "\(averaging.decay)" }
        if let sharding = trainer.sharding { settings["shards"] = "\(sharding.shards)" }
        return settings
    }

    mutating func history() throws -> TrainingHistory {
        let records = list(upTo: 3) { draw in
            EpochRecord(
                epoch: draw.integer(), meanLoss: draw.real(1),
                trainAccuracy: draw.accuracy(), testAccuracy: draw.accuracy(),
                testLoss: draw.once(in: 2) ? nil : draw.real(1), duration: .seconds(draw.small()))
        }
        return TrainingHistory(
            stepsPerEpoch: integer(), stepLosses: list(upTo: 4) { $0.real(1) }, epochs: records)
    }

    private mutating func accuracy() -> Accuracy? {
        once(in: 3) ? nil : Accuracy(correct: integer(), total: integer())
    }
}
