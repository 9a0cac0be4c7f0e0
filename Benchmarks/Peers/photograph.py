#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One photograph to its answer, process start included: `convnet predict` and a Python script.

    swift build -c release --product convnet
    pip install numpy pillow onnxruntime
    Benchmarks/Peers/photograph.py MODEL.onnx PHOTO.jpg [--rounds 20] [--threads 2]

MODEL.onnx takes 224 × 224 pixels as torchvision's networks for ImageNet do. Both processes are
started by turns, and each does all of it: it starts, reads the model, decodes and scales the
photograph, and prints the most probable class. `--alone` is the Python script's part: it is what
this file does in the processes that it starts, and loads nothing that it does not need.
"""
import sys
import time


def alone(model, photo, threads):
    """What a short script with ONNX Runtime does; its class and probability on a line."""
    import numpy
    import onnxruntime
    from PIL import Image
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with Image.open(photo) as image:
        pixels = numpy.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BOX))
    x = (pixels.astype(numpy.float32) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    x = numpy.ascontiguousarray(x.transpose(2, 0, 1)[None], numpy.float32)
    logits = session.run(None, {session.get_inputs()[0].name: x})[0][0]
    shares = numpy.exp(logits - logits.max())
    print(int(logits.argmax()), f"{shares.max() / shares.sum():.6f}")


def run(command):
    """What a process printed, and its seconds from start to end."""
    import subprocess
    start = time.perf_counter()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return output, time.perf_counter() - start


def main():
    import argparse
    import json
    import pathlib
    import statistics
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("photo")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    here = pathlib.Path(__file__).resolve()
    convnet = here.parent.parent.parent / ".build" / "release" / "convnet"
    count = str(options.threads)
    commands = {
        "convnet predict": [
            convnet, "predict", "--parameters", options.model, "--imagenet", "--json", "--threads",
            count, options.photo],
        "Python, ONNX Runtime": [
            sys.executable, here, "--alone", options.model, options.photo, count],
    }
    times = {name: [] for name in commands}
    outputs = {}
    for turn in range(options.rounds + 1):
        for name, command in commands.items():
            outputs[name], seconds = run(command)
            # The first turn brings the files into memory.
            times[name] += [seconds] if turn else []
    prediction = json.loads(outputs["convnet predict"])["predictions"][0]
    answers = [f"{prediction['class']} {prediction['probability']:.6f}",
               outputs["Python, ONNX Runtime"].strip()]
    best = min(times["convnet predict"])
    for (name, some), answer in zip(times.items(), answers):
        print(f"{name}: class {answer}, best of {len(some)} {min(some) * 1e3:.0f} ms, median "
              f"{statistics.median(some) * 1e3:.0f} ms, {min(some) / best:.1f} × convnet")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        alone(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
