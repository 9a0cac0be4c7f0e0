// SPDX-License-Identifier: MIT
//
// Whatever is wrong with a call or a file gives one line that names it, and the right exit status.

import ConvNet
import ConvNetData
import ConvNetOptions
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

@Suite struct BadInputTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let line: String
        var environment: [String: String] = [:]
        var testDescription: String { line }

        init(_ arguments: String, _ line: String, environment: [String: String] = [:]) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.line = line
            self.environment = environment
        }
    }

    /// Sizes whose products do not fit in `Int` end in an error of their own, not in a trap.
    @Test func hugeNumbersDoNotTrap() throws {
        let most = "\(Int.max)"
        let run = try Tool.run([
            "train", "--limit", "50", "--epochs", most, "--batch-size", most, "--learning-rate",
            "1e30",
        ])
        #expect(run.status == 1)
        #expect(run.error.hasPrefix("convnet: training: the test loss is "))
    }

    private static let names = CommandLineTool.commands.map { $0.name }.joined(separator: ", ")

    static let misuses = [
        Mistake(
            "", "no command, expected one of \(names); --help tells more"),
        Mistake("trian", "trian is not a command, did you mean train? expected one of \(names)"),
        Mistake(
            "show fliters",
            "show is not a command, did you mean show filters? expected one of \(names)"),
        Mistake(
            "completion fish",
            "the shell to complete for is fish, expected bash or zsh, as in: "
                + "source <(convnet completion bash)"),
        Mistake("fly", "fly is not a command, expected one of \(names)"),
        Mistake(
            "show", "show is not a command, did you mean show filters? expected one of \(names)"),
        Mistake("show cats", "show is not a command, expected one of \(names)"),
        Mistake("train --epochs zero", "--epochs is zero, expected a whole number of at least 1"),
        Mistake("train --epochs 0", "--epochs is 0, expected a whole number of at least 1"),
        Mistake("train --epochs=1.5", "--epochs is 1.5, expected a whole number of at least 1"),
        Mistake(
            "train --epochs 9223372036854775808",
            "--epochs is 9223372036854775808, expected a whole number of at least 1"),
        Mistake("train --epochs", "--epochs has no value, expected N"),
        Mistake("train --epochs 1 --epochs 2", "--epochs comes twice, expected once"),
        Mistake(
            "train --epoch 1",
            "--epoch is not an option here, did you mean --epochs? --help lists them"
        ),
        Mistake("train -e 1", "-e is not an option here; --help lists them"),
        Mistake("train --json=yes", "--json takes no value"),
        Mistake("train digits", "digits is unexpected after train; --help tells more"),
        Mistake("train --threads 0", "--threads is 0, expected a whole number of at least 1"),
        Mistake(
            "train --batch-size -5", "--batch-size is -5, expected a whole number of at least 1"),
        Mistake("train --limit 0", "--limit is 0, expected a whole number of at least 1"),
        Mistake(
            "train --limit 1000001", "--limit is 1000001, expected at most 1000000 without --data"),
        Mistake("train --seed -1", "--seed is -1, expected a whole number of at least 0"),
        Mistake("train --learning-rate nan", "--learning-rate is nan, expected a number above 0"),
        Mistake("train --learning-rate 0", "--learning-rate is 0, expected a number above 0"),
        Mistake(
            "train --learning-rate 1e40",
            "--learning-rate is 1e40, expected from 1.1754944e-38 to 3.4028235e+38, which Float "
                + "can hold"),
        Mistake(
            "train --optimizer sgd --learning-rate 1e-60",
            "--learning-rate is 1e-60, expected from 1.1754944e-38 to 3.4028235e+38, which Float "
                + "can hold"),
        Mistake(
            "train --weight-decay 1e-60",
            "--weight-decay is 1e-60, expected from 1.1754944e-38 to 3.4028235e+38, which Float "
                + "can hold"),
        Mistake(
            "train --clip value:1e40",
            "--clip is value:1e40, expected norm:X or value:X, X being from 1.1754944e-38 to "
                + "3.4028235e+38, which Float can hold"),
        Mistake(
            "train --schedule step:1:1e40",
            "--schedule is step:1:1e40, expected a FACTOR from 1.1754944e-38 to 3.4028235e+38, "
                + "which Float can hold"),
        Mistake(
            "train --resume c --override seed --seed 2",
            "--override is seed, expected some of learning-rate"),
        Mistake(
            "train --resume c --override learning-rate",
            "--override is learning-rate, expected --learning-rate beside it"),
        Mistake(
            "train --checkpoint c --override learning-rate --learning-rate 1",
            "--override is learning-rate, expected --resume beside it"),
        Mistake(
            "train --keep-checkpoints 3",
            "--keep-checkpoints is 3, expected --checkpoint beside it"),
        Mistake(
            "train --checkpoint c --keep-checkpoints 0",
            "--keep-checkpoints is 0, expected a whole number of at least 1"),
        Mistake(
            "train --checkpoint c --keep-checkpoints 1001",
            "--keep-checkpoints is 1001, expected at most 1000"),
        Mistake(
            "train --optimizer best",
            "--optimizer is best, expected one of sgd, momentum, nesterov, adagrad, rmsprop, adam, "
                + "adamw"),
        Mistake(
            "train --schedule slow",
            "--schedule is slow, expected constant, cosine, linear, one-cycle, "
                + "one-cycle:RISE, step:EPOCHS or step:EPOCHS:FACTOR"),
        Mistake(
            "train --schedule step:0",
            "--schedule is step:0, expected constant, cosine, linear, one-cycle, "
                + "one-cycle:RISE, step:EPOCHS or step:EPOCHS:FACTOR"),
        Mistake(
            "train --schedule step:1:-1",
            "--schedule is step:1:-1, expected constant, cosine, linear, one-cycle, "
                + "one-cycle:RISE, step:EPOCHS or step:EPOCHS:FACTOR"),
        Mistake("train --warm-up -1", "--warm-up is -1, expected a whole number of at least 0"),
        Mistake(
            "train --limit 50 --schedule cosine --warm-up 3",
            "--warm-up is 3, expected less than the cosine's 3 steps"),
        Mistake(
            "train --weight-decay -1", "--weight-decay is -1, expected a number of at least 0"),
        Mistake(
            "train --weight-decay much", "--weight-decay is much, expected a number of at least 0"),
        Mistake(
            "train --clip 5",
            "--clip is 5, expected norm:X or value:X, X being a finite number above 0"),
        Mistake("train --patience 0", "--patience is 0, expected a whole number of at least 1"),
        Mistake(
            "train --initialization one",
            "--initialization is one, expected he, xavier or a standard deviation of at least 0"),
        Mistake(
            "train --network huge",
            "--network is huge, expected one of simple, lenet, lenet-1998, alexnet, resnet18, "
                + "resnet34, resnet50, mobilenet_v2, squeezenet1_1, resnet20, resnet32, resnet56, unet"
        ),
        Mistake(
            "train --network unet",
            "--network is unet, which gives a class for each pixel, expected one that gives a class "
                + "for each image"),
        Mistake(
            "predict a.png --network unet --parameters b",
            "--network is unet, which gives a class for each pixel, expected one that gives a class "
                + "for each image"),
        Mistake(
            "train --network resnet20 --initialization he",
            "--initialization is he, expected none with resnet20, which knows its own"),
        Mistake(
            "train --out /no/such/folder/file",
            "--out is /no/such/folder/file, expected a file in a writable folder"),
        Mistake("train --out /tmp", "--out is /tmp, a folder, expected a file"),
        Mistake(
            "train --network alexnet --data mnist",
            "--data is mnist, expected none with alexnet, whose images are drawn"),
        Mistake("evaluate", "--parameters is missing, expected a file"),
        Mistake("export --out x.onnx", "--parameters is missing, expected a file"),
        Mistake("export --parameters x", "--out is missing, expected a file"),
        Mistake(
            "export --parameters x --out y --network huge",
            "--network is huge, expected one of \(Networks.names.joined(separator: ", "))"),
        Mistake("import", "no arrays, expected an .npz file; --help tells more"),
        Mistake("import a b --out c", "b is unexpected after a"),
        Mistake("import a", "--out is missing, expected a file"),
        Mistake("predict", "no image, expected at least one image file"),
        Mistake("predict a.png", "--parameters is missing, expected a file"),
        Mistake(
            "predict a.png --parameters b --top 0",
            "--top is 0, expected a whole number of at least 1"),
        Mistake("show filters", "--parameters is missing, expected a file"),
        Mistake(
            "show filters --parameters a",
            "--out is missing, expected a file that ends in .png or .svg"),
        Mistake(
            "show filters --parameters a --out /tmp/a.jpg",
            "--out is /tmp/a.jpg, expected one that ends in .png or .svg"),
        Mistake(
            "show filters --parameters a --out /tmp/a.png --seed 1 --before b",
            "--seed is given beside --before, expected one of them"),
        Mistake(
            "show filters b --parameters a --out /tmp/a.png",
            "b is unexpected after show filters; --help tells more"),
        Mistake(
            "show graph", "--out is missing, expected a file that ends in .png or .svg"),
        Mistake(
            "show graph a.onnx --out /tmp/a.png",
            "a.onnx is unexpected after show graph; --help tells more"),
        Mistake(
            "show graph --network huge --out /tmp/a.png",
            "--network is huge, expected one of \(Networks.names.joined(separator: ", "))"),
        Mistake("show responses --parameters a", "no image, expected an image file"),
        Mistake(
            "show responses a.png b.png --parameters a", "b.png is unexpected, expected one image"),
        Mistake(
            "show features --parameters a --out /tmp/a.png", "no image, expected an image file"),
        Mistake(
            "show features b.png --image 3 --parameters a --out /tmp/a.png",
            "b.png is given beside --image, expected one of them"),
        Mistake(
            "show features --image 2000 --parameters a --out /tmp/a.png",
            "--image is 2000, expected from 0 to 1999"),
        Mistake(
            "show features b.png --channels 65 --parameters a --out /tmp/a.png",
            "--channels is 65, expected from 1 to 64"),
        Mistake(
            "evaluate --parameters a --plot /no/such/a.png",
            "--plot is /no/such/a.png, expected a file in a writable folder"),
        Mistake(
            "train --plot /tmp/a.gif",
            "--plot is /tmp/a.gif, expected one that ends in .png or .svg"),
        Mistake("download", "download is unknown, expected download mnist"),
        Mistake("download cifar", "download cifar is unknown, expected download mnist"),
        Mistake(
            "download mnist --url ftp://host/",
            "--url is ftp://host/, expected one of http or https"),
        Mistake(
            "train --threads 1000000", "--threads is 1000000, expected from 1 to 1024"),
    ]

    /// In this process: what the tool's main program does with an error is seen below.
    @Test(arguments: misuses) func misuseIsOneLineAndStatus2(_ mistake: Mistake) throws {
        let error = try #require(throws: UsageError.self) {
            try CommandLineTool.run(
                mistake.arguments, tool: "convnet", summary: "", commands: CommandLineTool.commands)
        }
        #expect(CommandLineTool.line(for: error) == mistake.line)
        #expect(CommandLineTool.status(for: error) == 2)
    }

    /// As a shell sees it, of the tool itself, an option's parser, a command and a path.
    @Test(arguments: [
        "", "fly", "train --epochs zero", "train --json=yes", "evaluate", "train --out /tmp",
        "train --threads 1000000",
    ])
    func theProgramSaysItOnStandardError(_ arguments: String) throws {
        let mistake = try #require(
            Self.misuses.first { $0.arguments.joined(separator: " ") == arguments })
        let run = try Tool.run(mistake.arguments)
        #expect(run.error == "convnet: \(mistake.line)\n")
        #expect(run.output == "")
        #expect(run.status == 2)
    }

    @Test(arguments: [["info"], ["train"], ["evaluate", "--parameters", "x"]])
    func unknownInstructionSetIsMisuse(_ arguments: [String]) throws {
        let run = try Tool.run(arguments, environment: ["CONVNET_ISA": "sse9"])
        let known = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
        #expect(
            run.error == "convnet: CONVNET_ISA is sse9, expected one of \(known) on this CPU\n")
        #expect(run.status == 2)
    }

    @Test func whatOpenMPDiesOfIsMisuse() throws {
        let run = try Tool.run(["info"], environment: ["OMP_NUM_THREADS": "auto"])
        #expect(
            run.error
                == "convnet: OMP_NUM_THREADS is \"auto\", expected whole numbers up to 65536, "
                + "separated by commas; OpenMP's runtime would end the process\n")
        #expect(run.status == 2)
    }

    /// As in many containers: blank is unset. libomp 14 ends the process for the first, whatever
    /// the number of threads.
    @Test(arguments: ["OMP_NUM_THREADS", "KMP_GTID_MODE", "KMP_SPIN_BACKOFF_PARAMS"])
    func blankVariablesAreNone(_ name: String) throws {
        for blank in ["", " \t"] {
            for threads in ["1", "2"] {
                let run = try withTemporaryFolder { folder in
                    try Tool.run(
                        [
                            "train", "--epochs", "1", "--limit", "100", "--threads", threads,
                            "--out",
                            folder.appendingPathComponent("out").path,
                        ], environment: [name: blank])
                }
                #expect(run.status == 0, "\(run)")
            }
        }
    }

    @Test(arguments: [
        Mistake(
            "train --data /no/such/folder",
            "/no/such/folder/train-images-idx3-ubyte: no such file, "
                + "expected MNIST's file, plain or with .gz, or train-images.idx3-ubyte"),
        Mistake(
            "evaluate --parameters /no/such/file",
            "/no/such/file: can't be read: No such file or directory, expected a readable file"),
        Mistake(
            "evaluate --parameters /dev/zero",
            "/dev/zero: can't be read: not a file, expected a regular file"),
        Mistake(
            "train --epochs 1 --limit 1 --checkpoint c --resume /dev/zero",
            "/dev/zero: can't be read: not a file, expected a regular file"),
        Mistake(
            "import /no/such/file --out x",
            "/no/such/file: can't be read: No such file or directory, expected a readable file"),
        Mistake(
            "import /dev/null --out x",
            "/dev/null: can't be read: not a file, expected a regular file"),
    ])
    func failureIsOneLineAndStatus1(_ mistake: Mistake) throws {
        let run = try Tool.run(mistake.arguments)
        #expect(run.error == "convnet: \(mistake.line)\n")
        #expect(run.status == 1)
    }

    /// One line that begins with the tool's name and holds the place, no result, status 1.
    static func expectFailure(_ run: Subprocess, naming place: String) throws {
        #expect(run.error.hasPrefix("convnet: "), "\(run)")
        #expect(run.error.contains(place), "\(run)")
        #expect(run.error.filter(\.isNewline).count == 1, "\(run)")
        #expect(run.status == 1, "\(run)")
    }

    /// A terminal obeys what follows an escape character, and a name may be as long as a file.
    @Test func namesFromFilesDoNothingToATerminal() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("odd.safetensors")
            let name = "W\u{1B}]0;title\u{7}\n\u{202E}" + String(repeating: "x", count: 100_000)
            try Safetensors.encode([(name, Tensor(shape: [1], scalars: [1]))]).write(to: file)
            var network = try SimpleConvNet(seed: 1)
            #expect(throws: FileError.self) { try network.loadParameters(from: file) }
            let small = try Network(
                inputShape: [1], layers: [NamedLayer("relu", ReLU())], kernels: NativeKernels())
            let text = try Safetensors.encode(
                [(name, Tensor(shape: [1], scalars: [1]))], metadata: small.architectureMetadata())
            try text.write(to: file)
            let run = try Tool.run(["evaluate", "--parameters", file.path])
            try Self.expectFailure(run, naming: "W\\u{1b}]0;title\\u{7} \\u{202e}xxx")
            #expect(run.error.count < 2100)
        }
    }

    @Test func truncatedDataFileIsNamed() throws {
        try withTemporaryFolder { folder in
            let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]
            let file = folder.appendingPathComponent("train-images-idx3-ubyte")
            try Data(images + Array(repeating: 0, count: 1000)).write(to: file)
            let run = try Tool.run(["train", "--data", folder.path])
            #expect(
                run.error == "convnet: \(file.path): 1000 bytes of data, "
                    + "expected 1568 for shape [2, 28, 28]\n")
            #expect(run.status == 1)
        }
    }

    @Test func labelBeyondTheClassesIsNamed() throws {
        try withTemporaryFolder { folder in
            let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]
            try Data(images + Array(repeating: 0, count: 1568))
                .write(to: folder.appendingPathComponent("train-images-idx3-ubyte"))
            let labels = folder.appendingPathComponent("train-labels-idx1-ubyte")
            try Data([0, 0, 8, 1, 0, 0, 0, 2, 3, 10]).write(to: labels)
            let run = try Tool.run(["train", "--data", folder.path])
            #expect(
                run.error == "convnet: \(labels.path): label 10 at place 1, "
                    + "expected labels from 0 to 9\n")
            #expect(run.status == 1)
        }
    }

    @Test func parametersOfAnotherShapeAreNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("small.safetensors")
            try SimpleConvNet(seed: 1, hiddenSize: 50).saveParameters(to: file)
            let run = try Tool.run(["evaluate", "--parameters", file.path, "--limit", "1"])
            try Self.expectFailure(run, naming: file.path)
            #expect(run.error.contains("W2"))
            #expect(run.error.contains("[4320, 50]"))
            #expect(run.error.contains("[4320, 100]"))
        }
    }

    @Test func truncatedParametersAreNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("cut.safetensors")
            try SimpleConvNet(seed: 1).saveParameters(to: file)
            try Data(contentsOf: file).dropLast(4).write(to: file)
            try Self.expectFailure(
                Tool.run(["evaluate", "--parameters", file.path]), naming: file.path)
        }
    }
}
