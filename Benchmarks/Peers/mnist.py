#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Repeats the records of `Records` on MNIST: ours, PyTorch and MLX by turns, seed by seed.

    swift build -c release --product Records
    pip install numpy torch             # or mlx[cpu]
    Benchmarks/Peers/mnist.py mnist-one-epoch FOLDER [--libraries ours,torch] [--seeds 3]
        [--first-seed 1] [--threads 2] [--limit N]

FOLDER has MNIST's four files, plain or .gz. Images are in memory, in the order that they are used
in, before the clock starts; it stops when the test images are classified, as in `Records`. The
recipes are the published ones: mnist-one-epoch is the last notebook of tuomaso/train_mnist_fast,
mnist-three-epochs the example of TaylorTorch. --limit uses the first N images alone: where a whole
training takes minutes, times are compared on a part. Of libraries there are ours, torch,
torch-channels-last (which the recipes do not ask for) and mlx.
"""
import argparse
import gzip
import math
import pathlib
import re
import statistics
import subprocess
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
RECORDS = HERE.parent.parent / ".build" / "release" / "Records"
BATCH, EPOCHS = {"mnist-one-epoch": 256, "mnist-three-epochs": 128}, {"mnist-three-epochs": 3}
TEST_BATCH = 1000


def read(folder, name):
    """The bytes of an IDX file, after its header."""
    path = folder / name
    file = open(path, "rb") if path.exists() else gzip.open(f"{path}.gz")
    with file:
        data = file.read()
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3])


def load(folder, part, record):
    """Images [N, 28, 28] as the network takes them, and their labels."""
    images = read(folder, f"{part}-images-idx3-ubyte").reshape(-1, 28, 28)
    images = images.astype(numpy.float32) / 255
    if record == "mnist-one-epoch":
        images = (images - numpy.float32(0.1307)) / numpy.float32(0.3081)
    return images, read(folder, f"{part}-labels-idx1-ubyte").astype(numpy.int64)


def one_cycle(step, steps):
    """The factor of the learning rate in PyTorch's OneCycleLR, with a momentum that stays."""
    top = 0.3 * steps - 1
    if step <= top:
        return 1 + (0.04 - 1) / 2 * (1 + math.cos(math.pi * step / top))
    share = min((step - top) / (steps - 1 - top), 1)
    return 4e-6 + (1 - 4e-6) / 2 * (1 + math.cos(math.pi * share))


def with_torch(record, epochs, test, seed, threads, channels_last=False):
    """Trains in PyTorch; the classes that the test images are taken for."""
    import torch
    from torch import nn
    from torch.nn import functional
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    *epochs, (test_images, _) = [
        (torch.from_numpy(images).unsqueeze(1).contiguous(memory_format=layout),
         torch.from_numpy(labels)) for images, labels in (*epochs, test)]

    start = time.perf_counter()
    if record == "mnist-one-epoch":
        network = nn.Sequential(
            nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(24, 32, 3),
            nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(800, 256), nn.ReLU(),
            nn.Linear(256, 10)).to(memory_format=layout)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.7, 0.9))
        steps = math.ceil(len(epochs[0][1]) / BATCH[record])
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=0.01, total_steps=steps, cycle_momentum=False)
    else:
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.Dropout(0.025), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AvgPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3136, 256), nn.Dropout(0.025), nn.ReLU(),
            nn.Linear(256, 10)).to(memory_format=layout)
        for module in network:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.001)
        schedule = None

    def classes():
        network.eval()
        with torch.no_grad():
            return torch.cat([network(part).argmax(1) for part in test_images.split(TEST_BATCH)])

    for images, labels in epochs:
        network.train()
        for x, truth in zip(images.split(BATCH[record]), labels.split(BATCH[record])):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(network(x), truth).backward()
            optimizer.step()
            if schedule:
                schedule.step()
        answer = classes()
    return answer.numpy(), time.perf_counter() - start


def with_torch_channels_last(*arguments):
    """The same with the channels of a pixel side by side, which the published recipes do not do."""
    return with_torch(*arguments, channels_last=True)


def with_mlx(record, epochs, test, seed, threads):
    """The same in MLX, whose images have their channels last."""
    import mlx.core as mx
    from mlx import nn, optimizers
    del threads
    mx.set_default_device(mx.cpu)
    mx.random.seed(seed)
    epochs = [(mx.array(images[..., None]), mx.array(labels)) for images, labels in epochs]
    test_images = mx.array(test[0][..., None])
    mx.eval(epochs, test_images)

    def flat(x):
        return x.reshape(len(x), -1)

    start = time.perf_counter()
    if record == "mnist-one-epoch":
        network = nn.Sequential(
            nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.relu, nn.Conv2d(24, 32, 3), nn.MaxPool2d(2),
            nn.relu, flat, nn.Linear(800, 256), nn.relu, nn.Linear(256, 10))
        optimizer = optimizers.Adam(0.01, betas=[0.7, 0.9], bias_correction=True)
    else:
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.Dropout(0.025), nn.BatchNorm(32), nn.relu,
            nn.AvgPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm(64), nn.relu,
            nn.AvgPool2d(2), flat, nn.Linear(3136, 256), nn.Dropout(0.025), nn.relu,
            nn.Linear(256, 10))
        for layer in network.layers:
            if isinstance(layer, nn.Conv2d):
                # Channels last: MLX would take its fans from the wrong axes.
                bound = math.sqrt(6 / math.prod(layer.weight.shape[1:]))
                layer.weight = mx.random.uniform(-bound, bound, layer.weight.shape)
            elif isinstance(layer, nn.Linear):
                layer.weight = nn.init.glorot_uniform()(layer.weight)
                layer.bias = mx.zeros_like(layer.bias)
        optimizer = optimizers.SGD(0.001)

    def loss(x, truth):
        return nn.losses.cross_entropy(network(x), truth, reduction="mean")

    gradients = nn.value_and_grad(network, loss)
    for images, labels in epochs:
        network.train()
        steps = math.ceil(len(labels) / BATCH[record])
        for step in range(steps):
            part = slice(step * BATCH[record], (step + 1) * BATCH[record])
            if record == "mnist-one-epoch":
                optimizer.learning_rate = 0.01 * one_cycle(step, steps)
            _, gradient = gradients(images[part], labels[part])
            optimizer.update(network, gradient)
            mx.eval(network.state, optimizer.state)
        network.eval()
        answer = mx.concatenate([
            mx.argmax(network(test_images[place:place + TEST_BATCH]), axis=1)
            for place in range(0, len(test_images), TEST_BATCH)])
        mx.eval(answer)
    return numpy.array(answer), time.perf_counter() - start


def ours(record, folder, seed, threads, limit):
    """The accuracy and the seconds that `Records` prints."""
    command = [RECORDS, record, "--data", folder, "--first-seed", str(seed), "--threads",
               str(threads)] + (["--limit", str(limit)] if limit else [])
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    _, right, total, seconds = re.search(
        r"^seed .*accuracy (\S+) \((\d+)/(\d+)\), (\S+) s$", text, re.MULTILINE).groups()
    return int(right) / int(total), float(seconds)


PEERS = {"torch": with_torch, "torch-channels-last": with_torch_channels_last, "mlx": with_mlx}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", choices=sorted(BATCH))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--libraries", default="ours,torch")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    record, names = options.record, options.libraries.split(",")
    for name in names:
        if name not in ("ours", *PEERS):
            parser.error(f"--libraries has {name}, expected some of ours, {', '.join(PEERS)}")
    images, labels = load(options.folder, "train", record)
    images, labels = images[:options.limit], labels[:options.limit]
    test = [part[:options.limit] for part in load(options.folder, "t10k", record)]

    trials = {name: [] for name in names}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        random = numpy.random.default_rng(seed)
        orders = [random.permutation(len(labels)) for _ in range(EPOCHS.get(record, 1))]
        epochs = [(images[order], labels[order]) for order in orders]
        for name in names:
            if name == "ours":
                trial = ours(record, options.folder, seed, options.threads, options.limit)
            else:
                answer, seconds = PEERS[name](record, epochs, test, seed, options.threads)
                trial = float((answer == test[1]).mean()), seconds
            trials[name].append(trial)
            print(f"seed {seed}: {name} accuracy {trial[0]:.4f}, {trial[1]:.2f} s", flush=True)
    best = min(seconds for _, seconds in trials[names[0]])
    for name in names:
        rates, times = zip(*trials[name])
        print(f"{name}: mean accuracy {statistics.fmean(rates):.4f} ± "
              f"{statistics.pstdev(rates):.4f}, best of {len(times)} {min(times):.2f} s, "
              f"median {statistics.median(times):.2f} s, {min(times) / best:.2f} × {names[0]}")


if __name__ == "__main__":
    main()
