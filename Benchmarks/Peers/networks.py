#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times whole networks: ours, ONNX Runtime and OpenVINO by turns, and prints a Markdown table.

    swift build -c release --product Benchmarks
    pip install numpy onnxruntime openvino
    Benchmarks/Peers/networks.py FOLDER [--threads 1] [--batches 1,8] [--rounds 3] [NAME …]

FOLDER has NAME.onnx, with one input whose first axis is open, and NAME.input.npy: some images,
which are repeated to fill a batch. The programs run alternately, with the same threads and images,
so that a slow spell of the machine affects all of them; a time is the best of all rounds. An empty
cell means that the library is not installed.
"""
import argparse
import pathlib

import numpy

import timing
from timing import best


def onnx_runtime(path, images, threads):
    """A prediction by ONNX Runtime, or None where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: images})


def openvino(path, images, threads):
    """A prediction by OpenVINO in 32-bit numbers, or None where it is not installed."""
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    model = core.read_model(str(path))
    model.reshape({model.input(0).any_name: openvino.PartialShape(list(images.shape))})
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
    return request.infer


def ours(folder, case, threads):
    """The benchmark's own time for a case, in milliseconds."""
    return timing.ours(case, threads, "--models", folder)[case]["ms"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_intermixed_args()
    names = options.names or sorted(path.stem for path in options.folder.glob("*.onnx"))
    print("| case | ours | ONNX Runtime | OpenVINO | better peer / ours |")
    print("| --- | ---: | ---: | ---: | ---: |")
    ratios = []
    for name in names:
        given = numpy.load(options.folder / f"{name}.input.npy").astype(numpy.float32)
        for count in map(int, options.batches.split(",")):
            images = numpy.ascontiguousarray(numpy.resize(given, (count, *given.shape[1:])))
            path, case = options.folder / f"{name}.onnx", f"predict{count}.{name}"
            peers = [make(path, images, options.threads) for make in (onnx_runtime, openvino)]
            times = [[], [], []]
            for _ in range(options.rounds):
                times[0].append(ours(options.folder, case, options.threads))
                for place, run in enumerate(peers, 1):
                    times[place] += [best(run)] if run else []
            shortest = [min(some, default=None) for some in times]
            others = [value for value in shortest[1:] if value is not None]
            ratio = min(others) / shortest[0] if others else None
            ratios += [ratio] if ratio else []
            cells = ["" if value is None else f"{value:.3f}" for value in shortest]
            print(f"| {case} | {' | '.join(cells)} | {ratio:.2f} |" if ratio else
                  f"| {case} | {' | '.join(cells)} | |", flush=True)
    if ratios:
        print(f"\nGeometric mean of {len(ratios)} ratios: {numpy.exp(numpy.mean(numpy.log(ratios))):.2f}")


if __name__ == "__main__":
    main()
