// SPDX-License-Identifier: MIT
//
// Checkpoints: training that stops anywhere and goes on ends with the same bits; a checkpoint that
// does not belong to the training, or is broken, is refused with its reason.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

struct CheckpointTests {
    /// Eleven samples in batches of four: three steps per epoch, the last of three samples.
    private static func source() throws -> GivenSamples {
        GivenSamples(
            try smallImages(11), (0..<11).map { $0 % 4 }, order: [3, 9, 1, 10, 0, 7, 4, 8, 2, 6, 5])
    }

    private static func trainer(_ name: String = "adam", epochs: Int = 3) throws -> Trainer {
        try Trainer(
            optimizer: Optimizers.named(name, learningRate: 0.01), batchSize: 4, epochs: epochs)
    }

    /// Trains until so many steps are taken in this call.
    private static func train(
        _ network: inout Network, _ trainer: Trainer, steps: Int = .max,
        checkpoints: Checkpoints? = nil
    ) throws -> (history: TrainingHistory, events: [TrainingEvent]) {
        var (trainer, events, taken) = (trainer, [TrainingEvent](), 0)
        let stop = StopRequest()
        let source = try source()
        let history = try trainer.train(
            &network, on: source, testing: source, checkpoints: checkpoints,
            stop: stop
        ) { event in
            if case .step = event { taken += 1 }
            if taken >= steps { stop.stop() }
            events.append(event)
        }
        return (history, events)
    }

    private static func plan(
        _ file: URL, every: Int? = 2, settings: [String: String] = ["network": "small"],
        resuming: Bool = false
    ) throws -> Checkpoints {
        try Checkpoints(
            file: file, everySteps: every, settings: settings,
            resuming: resuming ? Checkpoint(contentsOf: file) : nil)
    }

    private static func withFile<Result>(_ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryFolder { try body($0.appendingPathComponent("c.safetensors")) }
    }

    @Test(arguments: Optimizers.names)
    func trainingThatStopsAnywhereGoesOnWithTheSameBits(_ name: String) throws {
        var whole = try smallNetwork().network
        let (history, _) = try Self.train(&whole, Self.trainer(name))
        #expect(history.stepLosses.count == 9)
        for stop in 1...9 {
            try Self.withFile { file in
                var first = try smallNetwork().network
                _ = try Self.train(
                    &first, Self.trainer(name), steps: stop, checkpoints: Self.plan(file))
                // Another beginning, to be sure that everything comes from the file.
                var second = try smallNetwork(seed: 7).network
                let (resumed, events) = try Self.train(
                    &second, Self.trainer(name), checkpoints: Self.plan(file, resuming: true))
                for (one, two) in zip(whole.parameters, second.parameters) {
                    #expect(one.value.hasSameBits(as: two.value), "\(one.name), stop \(stop)")
                }
                #expect(second.trainingStep == whole.trainingStep)
                #expect(Self.figures(resumed) == Self.figures(history), "stop \(stop)")
                let steps = events.count { if case .step = $0 { true } else { false } }
                #expect(steps == 9 - stop)
            }
        }
    }

    /// Dropout draws by the number of the step, and buffers are what training made of them.
    @Test func dropoutAndBuffersGoOnWithTheSameBits() throws {
        func network(_ seed: UInt64) throws -> Network {
            let small = try smallNetwork(seed: seed).network
            return try Network(
                inputShape: small.inputShape,
                layers: small.layers.flatMap { named in
                    guard named.name == "relu2" else { return [named] }
                    return [
                        named, NamedLayer("dropout", try Dropout(rate: 0.5, seed: 3)),
                        NamedLayer("steps", try StepRecorder()),
                    ]
                })
        }
        var whole = try network(1)
        let (history, _) = try Self.train(&whole, Self.trainer())
        for stop in [1, 3, 5] {
            try Self.withFile { file in
                var first = try network(1)
                _ = try Self.train(
                    &first, Self.trainer(), steps: stop, checkpoints: Self.plan(file))
                var second = try network(2)
                let (resumed, _) = try Self.train(
                    &second, Self.trainer(), checkpoints: Self.plan(file, resuming: true))
                #expect(resumed.stepLosses == history.stepLosses)
                #expect(second.parameters.map(\.value) == whole.parameters.map(\.value))
                #expect(second.buffers.map(\.value) == whole.buffers.map(\.value))
                #expect(!second.buffers.isEmpty)
            }
        }
    }

    /// All of a history but the durations.
    private static func figures(_ history: TrainingHistory) -> [String] {
        [
            "\(history.stepsPerEpoch) \(history.stepLosses)",
            "\(history.epochs.map(\.meanLoss)) \(history.epochs.map(\.trainAccuracy))",
            "\(history.epochs.map(\.testAccuracy))",
        ]
    }

    /// Places as epochs.steps: after every second step, when stopped, at the end.
    @Test func checkpointsAreWrittenWhenTheyAreDue() throws {
        func places(every: Int?, steps: Int = .max) throws -> [String] {
            try Self.withFile { file in
                var network = try smallNetwork().network
                let (_, events) = try Self.train(
                    &network, Self.trainer(epochs: 2), steps: steps,
                    checkpoints: Self.plan(file, every: every))
                return events.compactMap {
                    switch $0 {
                    case .checkpoint(let record):
                        #expect(record.path == file.path)
                        return "\(record.epochs).\(record.steps)"
                    case .interrupted(let epochs, let steps): return "stop \(epochs).\(steps)"
                    default: return nil
                    }
                }
            }
        }
        #expect(try places(every: nil) == ["1.0", "2.0"])
        #expect(try places(every: 2) == ["0.2", "1.1", "2.0"])
        #expect(try places(every: 4) == ["1.1", "2.0"])
        #expect(try places(every: 100, steps: 5) == ["1.2", "stop 1.2"])
        #expect(try places(every: nil, steps: 3) == ["1.0", "stop 1.0"])
        // Nothing is left to stop.
        #expect(try places(every: nil, steps: 6) == ["1.0", "2.0"])
    }

    /// Seconds in `Double` have no nanoseconds to the last digit.
    @Test func durationsAreTheSameWhenRead() throws {
        for place in 0..<1000 {
            let duration = Duration.seconds(0.004_318_788 * Double(place) * 1.234_567)
            let record = EpochRecord(
                epoch: 1, meanLoss: 1, testAccuracy: nil, duration: duration)
            let read = try JSONDecoder().decode(
                EpochRecord.self, from: JSONEncoder().encode(record))
            #expect(read == record)
        }
        let longest = EpochRecord(
            epoch: 1, meanLoss: 1, testAccuracy: nil, duration: .seconds(Int64.max) * 10)
        #expect(longest.duration == .seconds(Int64.max) * 10)
    }

    @Test func moreEpochsCanFollow() throws {
        try Self.withFile { file in
            var network = try smallNetwork().network
            _ = try Self.train(&network, Self.trainer(epochs: 1), checkpoints: Self.plan(file))
            let (history, _) = try Self.train(
                &network, Self.trainer(epochs: 3), checkpoints: Self.plan(file, resuming: true))
            #expect(history.epochs.map(\.epoch) == [1, 2, 3])
            var whole = try smallNetwork().network
            _ = try Self.train(&whole, Self.trainer())
            #expect(network.parameters.map(\.value) == whole.parameters.map(\.value))
            // And none at all.
            let (same, events) = try Self.train(
                &network, Self.trainer(epochs: 2), checkpoints: Self.plan(file, resuming: true))
            #expect(events.count == 1)
            #expect(same == history)
        }
    }

    private static func expectRefusal(
        _ problem: String, _ file: URL, network: Network? = nil, trainer: Trainer? = nil,
        settings: [String: String] = ["network": "small"]
    ) throws {
        var network = try network ?? smallNetwork(seed: 5).network
        let before = network.parameters.map(\.value)
        #expect(throws: FileError(file: file.path, problem: problem)) {
            _ = try train(
                &network, trainer ?? Self.trainer(),
                checkpoints: plan(file, settings: settings, resuming: true))
        }
        #expect(network.parameters.map(\.value) == before)
    }

    @Test func aCheckpointOfAnotherTrainingIsRefusedWithWhatDiffers() throws {
        try Self.withFile { file in
            var network = try smallNetwork().network
            _ = try Self.train(
                &network, Self.trainer(), steps: 2, checkpoints: Self.plan(file))
            let prefix = "was written with other settings: "
            try Self.expectRefusal(
                prefix + "network was small and is large; seed was not set and is 3", file,
                settings: ["network": "large", "seed": "3"])
            try Self.expectRefusal(
                prefix + "batchSize was 4 and is 5", file,
                trainer: Trainer(optimizer: Adam(learningRate: 0.01), batchSize: 5, epochs: 3))
            try Self.expectRefusal(
                prefix + "learningRate was 0.01 and is 0.02", file,
                trainer: Trainer(optimizer: Adam(learningRate: 0.02), batchSize: 4, epochs: 3))
            // Where the network is not named, its tensors show which it is.
            let wider = try SimpleConvNet(
                seed: 1, inputShape: [1, 8, 8], filters: 3, filterSize: 3, hiddenSize: 6, classes: 4
            )
            try Self.expectRefusal(
                "W2 is [27, 5] of float32, expected [27, 6] of float32", file,
                network: wider.network)
        }
    }

    /// The file of a checkpoint after two steps, with something changed.
    private static func broken(
        _ file: URL, tensors: (inout [NamedTensor]) throws -> Void = { _ in },
        replacing: (old: String, new: String) = ("", "")
    ) throws {
        var network = try smallNetwork().network
        _ = try train(&network, trainer(), steps: 2, checkpoints: plan(file))
        let contents = try Safetensors.contents(of: file)
        var (changed, metadata) = (contents.tensors, contents.metadata)
        try tensors(&changed)
        if !replacing.old.isEmpty {
            let text = try #require(metadata["checkpoint"])
            #expect(text.contains(replacing.old), "\(text)")
            metadata["checkpoint"] = text.replacingOccurrences(
                of: replacing.old, with: replacing.new)
        }
        try Safetensors.encode(changed, metadata: metadata).write(to: file)
    }

    @Test(arguments: [
        ("\"version\":1", "\"version\":2", "is a checkpoint of version 2, expected 1"),
        ("\"epochs\":0", "\"epoch\":0", "has a checkpoint's metadata that is not the JSON of one"),
        ("\"correct\":", "\"correct\":-", "correct is -"),
        ("\"trainingStep\":2", "\"trainingStep\":-2", "trainingStep is -2, expected from 0 to"),
        ("\"steps\":2", "\"steps\":-1", "steps is -1, expected from 0 to"),
        (
            "\"steps\":2", "\"steps\":1",
            "holds 2 step losses and 0 epoch records, expected those of 0 epochs of 3 steps and "
                + "1 steps"
        ),
        ("\"steps\":2", "\"steps\":3", "holds 2 step losses"),
        ("\"epochs\":0", "\"epochs\":9223372036854775807", "holds 2 step losses"),
        ("\"stepsPerEpoch\":3", "\"stepsPerEpoch\":4", "has 4 steps an epoch, expected 3"),
        ("\"seconds\":", "\"seconds\":-", "seconds is -"),
        (
            "\"counters\":{\"step\":2}", "\"counters\":{\"steps\":2}",
            "has the counter steps, expected only step"
        ),
        (
            "\"steps\":2", "\"steps\":1,\"steps\":2",
            "metadata checkpoint has steps twice in one object, expected once"
        ),
        ("\"steps\":2", "\"steps\":2\0", "metadata checkpoint is not text in UTF-8"),
        (
            "\"firstMoment\",\"secondMoment\"", "\"firstMoment\",\"firstMoment\"",
            "optimizerTensors is a list with one twice, expected each once"
        ),
    ])
    func aFigureThatCannotBeIsRefused(_ old: String, _ new: String, _ problem: String) throws {
        try Self.withFile { file in
            try Self.broken(file, replacing: (old, new))
            var network = try smallNetwork(seed: 5).network
            #expect {
                _ = try Self.train(
                    &network, Self.trainer(), checkpoints: Self.plan(file, resuming: true))
            } throws: {
                "\($0)".hasPrefix("\(file.path): \(problem)")
            }
        }
    }

    /// Before version 0.2 an optimizer kept the counters that it needed: many none, a schedule
    /// one of its own.
    @Test(arguments: ["{}", "{\"scheduleStep\":2}", "{\"scheduleStep\":2,\"step\":2}"])
    func countersOfOlderVersionsAreRead(_ counters: String) throws {
        try Self.withFile { file in
            var whole = try smallNetwork().network
            _ = try Self.train(&whole, Self.trainer())
            try Self.broken(file, replacing: ("{\"step\":2}", counters))
            var network = try smallNetwork(seed: 5).network
            _ = try Self.train(
                &network, Self.trainer(), checkpoints: Self.plan(file, resuming: true))
            for (one, other) in zip(whole.parameters, network.parameters) {
                #expect(one.value.hasSameBits(as: other.value), "\(one.name)")
            }
        }
    }

    /// Figures that would trap later are found out where they are given, not only in files.
    @Test func progressThatCannotBeIsNoCheckpoint() throws {
        let network = try smallNetwork(seed: 5).network
        for (change, argument) in [
            ({ $0.steps = -1 }, "steps"), ({ $0.epochs = -1 }, "epochs"),
            ({ $0.correct = .max }, "correct"), ({ $0.seconds = .infinity }, "seconds"),
            ({ $0.seconds = .nan }, "seconds"), ({ $0.lossSum = .nan }, "lossSum"),
            ({ $0.history.stepsPerEpoch = -1 }, "stepsPerEpoch"),
        ] as [((inout TrainingProgress) -> Void, String)] {
            var progress = TrainingProgress()
            change(&progress)
            #expect {
                _ = try Checkpoint(
                    network: network, updater: Updater(Adam()), progress: progress, settings: [:])
            } throws: {
                ($0 as? TensorError)?.argument == argument
            }
        }
        var progress = TrainingProgress()
        progress.epochs = .max
        #expect(throws: FileError.self) {
            try Checkpoint(
                network: network, updater: Updater(Adam()), progress: progress, settings: [:])
        }
    }

    @Test func missingAndUnknownTensorsAreNamed() throws {
        try Self.withFile { file in
            try Self.broken(
                file, tensors: { $0.removeAll { $0.name == "optimizer.firstMoment.b2" } })
            try Self.expectRefusal("optimizer.firstMoment.b2 is missing, expected shape [5]", file)
            try Self.broken(file, tensors: { $0.append(("W9", try Tensor(zeros: [1]))) })
            try Self.expectRefusal("W9 is unexpected, expected nothing of that name", file)
        }
    }

    @Test func aFileOfParametersIsNoCheckpoint() throws {
        try Self.withFile { file in
            try smallNetwork().saveParameters(to: file)
            #expect(
                throws: FileError(
                    file: file.path,
                    problem: "is not a checkpoint, expected checkpoint in its metadata")
            ) { try Checkpoint(contentsOf: file) }
        }
    }

    @Test(arguments: [0, -1, Int.min]) func impossibleIntervalsAreRefused(_ steps: Int) {
        #expect(
            throws: TensorError(
                operation: "Checkpoints", argument: "everySteps", value: "\(steps)",
                expected: "at least 1")
        ) { try Checkpoints(file: URL(fileURLWithPath: "c"), everySteps: steps) }
    }

    @Test func aHistoryComesBackFromItsFile() throws {
        var network = try smallNetwork().network
        let (history, _) = try Self.train(&network, Self.trainer())
        try Self.withFile { file in
            try history.write(to: file)
            let data = try Data(contentsOf: file)
            let read = try TrainingHistory(jsonData: data)
            #expect(Self.figures(read) == Self.figures(history))
            let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            #expect(object?["steps_per_epoch"] as? Int == 3)
            #expect((object?["step_losses"] as? [Double])?.count == 9)
            let epochs = try #require(object?["epochs"] as? [[String: Any]])
            #expect(
                epochs.map { ($0["test_accuracy"] as? [String: Int])?["total"] } == [11, 11, 11])
            #expect(epochs.allSatisfy { ($0["seconds"] as? Double ?? 0) > 0 })
        }
        #expect(throws: DecodingError.self) { try TrainingHistory(jsonData: Data("{}".utf8)) }
    }
}
