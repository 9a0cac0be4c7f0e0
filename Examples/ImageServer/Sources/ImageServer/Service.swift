// SPDX-License-Identifier: MIT
//
// What the server answers: the page, predictions, whether it is well, and what it counted.

import ConvNet
import ConvNetImages
import Foundation

/// Makes answers out of requests. Knows nothing of connections.
struct Service: Sendable {
    static let predictPath = "/predict"
    static let paths = ["/", predictPath, "/healthz", "/metrics"]

    let metrics = Metrics()
    private let network: Network
    private let predictor: BatchingPredictor
    private let deadlines = Deadlines()
    private let answering: Duration
    /// How many classes an answer lists.
    private let top = 5

    /// Fails unless the network sorts images into classes.
    ///
    /// - Parameter answering: how long a request may wait for its answer.
    init(_ network: Network, _ predictor: BatchingPredictor, answering: Duration) throws {
        let (shape, output) = (network.inputShape, network.outputShape)
        guard shape.count == 3, shape[0] == 1 || shape[0] == 3, output.count == 1 else {
            throw TensorError(
                operation: "ImageServer", argument: "network", value: "\(shape) to \(output)",
                expected: "images [1 or 3, H, W] to classes [K]")
        }
        let names = network.preprocessing?.classNames ?? []
        guard names.isEmpty || names.count == output[0] else {
            throw TensorError(
                operation: "ImageServer", argument: "classNames", value: "\(names.count) names",
                expected: "\(output[0])")
        }
        (self.network, self.predictor, self.answering) = (network, predictor, answering)
    }

    /// The answer to a request whose head alone says that it is wrong.
    func refusal(_ method: String, _ path: String) -> Answer? {
        guard Self.paths.contains(path) else { return .failure(404, "there is no \(path)") }
        let allowed = path == Self.predictPath ? ["POST"] : ["GET", "HEAD"]
        guard !allowed.contains(method) else { return nil }
        let list = allowed.joined(separator: ", ")
        return .failure(405, "\(path) takes \(list)", headers: ["Allow": list])
    }

    func answer(_ method: String, _ path: String, _ body: Data, connections: Int) async -> Answer {
        switch path {
        case Self.predictPath: return await prediction(of: body)
        case "/healthz": return Answer(body: Data("ok\n".utf8))
        case "/metrics":
            let text = metrics.text(predictor.statistics, connections: connections)
            return Answer(type: "text/plain; version=0.0.4", body: Data(text.utf8))
        default: return Answer(type: "text/html; charset=utf-8", body: Data(page.utf8))
        }
    }

    /// Gives up predictions that wait too long; to be called now and then.
    func cancelLate() { deadlines.cancelLate() }

    private struct Report: Encodable {
        struct Prediction: Encodable {
            let `class`: Int
            let label: String?
            let probability: Double
        }
        let predictions: [Prediction]
    }

    private func prediction(of body: Data) async -> Answer {
        let bytes = [UInt8](body)
        do {
            guard !bytes.isEmpty else {
                return .failure(400, "the body is empty, expected an image")
            }
            guard ImageFormat(of: bytes) != nil else {
                return .failure(
                    415, "the body is not an image, expected a JPEG, PNG, PPM or PGM file")
            }
            let x = try sample(of: bytes)
            let logits = try await deadlines.value(
                of: Task { try await predictor.prediction(for: x) }, within: answering)
            return .json(Report(predictions: best(of: logits)))
        } catch let error as FileError {
            return .failure(400, "\(error)")
        } catch is BatchingPredictor.Overload {
            return .busy("too many predictions wait")
        } catch is CancellationError {
            return .busy("the prediction did not begin in time")
        } catch {
            return .failure(500, "\(error)")
        }
    }

    /// An image as the network takes it, as `convnet predict` makes it.
    private func sample(of bytes: [UInt8]) throws -> Tensor {
        let (shape, file) = (network.inputShape, "the body")
        guard let side = network.preprocessing?.shorterSide else {
            let x = try Image(bytes: bytes, file: file).tensor(
                channels: shape[0], height: shape[1], width: shape[2])
            return try network.preprocessing?.applied(to: x) ?? x
        }
        let image = try Image(
            bytes: bytes, file: file, covering: ImageSize(width: side, height: side))
        let size = ImageSize(width: shape[2], height: shape[1])
        let framed = try ImagePreparation(size: size, shorterSide: side).framed(image)
            .converted(toChannels: shape[0])
        let x = try framed.tensor().reshaped(to: [1] + shape)
        return try network.preprocessing?.applied(to: x) ?? x
    }

    /// The most probable classes of `[1, K]`.
    private func best(of logits: Tensor) -> [Report.Prediction] {
        let values = logits.doubles
        // Less the largest, so that nothing overflows.
        let largest = values.max() ?? 0
        let powers = values.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        let names = network.preprocessing?.classNames ?? []
        return values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(top).map {
            .init(
                class: $0, label: names.isEmpty ? nil : names[$0], probability: powers[$0] / sum)
        }
    }
}
