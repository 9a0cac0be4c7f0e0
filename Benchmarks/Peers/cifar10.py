#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains ResNet-20 on CIFAR-10 in PyTorch, with the settings of `convnet train --network resnet20`.

    pip install torch numpy pillow
    Benchmarks/Peers/cifar10.py FOLDER [--epochs 10] [--threads 2] [--seed 1] [--limit N]
        [--no-test]

FOLDER has train and test, with a folder per class in each. Images are decoded once and kept as
bytes; each batch is cropped from images padded with 4 black pixels, flipped at random and
normalized, a whole batch at a time, so that a step does not wait for Python. Each epoch prints a
line: mean loss, test accuracy, seconds of training and of evaluation, and images per second.

SGD with momentum 0.9; the learning rate rises to 0.1 over 200 steps (at most a tenth of all) and
falls to 0 along a cosine; weight decay 1e-4 on weights, none on biases and normalizations; batches
of 128.
"""
import argparse
import math
import pathlib
import time

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
PADDING = 4


class Block(nn.Module):
    """Two convolutions and a shortcut, which is a 1×1 convolution where the shape changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.c1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(outputs)
        self.c2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.short = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.b1(self.c1(x)))
        return functional.relu(self.b2(self.c2(y)) + self.short(x))


def resnet20(classes):
    """He et al. 2016, section 4.2, with convolutions as shortcuts."""
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for outputs in (16, 32, 64):
        for block in range(3):
            layers.append(Block(inputs, outputs, 2 if block == 0 and outputs > 16 else 1))
            inputs = outputs
    network = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
    return network


def load(folder, limit, classes=None):
    """The images of a folder of class folders as bytes, their labels, and the number of classes.

    classes: only so many, the first by their names; all where it is None.
    """
    images, labels = [], []
    names = sorted(place.name for place in folder.iterdir() if place.is_dir())[:classes]
    for label, name in enumerate(names):
        files = sorted((folder / name).iterdir())
        for file in files[:limit // len(names)] if limit else files:
            with Image.open(file) as image:
                images.append(numpy.asarray(image.convert("RGB")))
            labels.append(label)
    pixels = torch.from_numpy(numpy.stack(images)).permute(0, 3, 1, 2).contiguous()
    return pixels, torch.tensor(labels), len(names)


def normalized(pixels):
    return (pixels.float() / 255 - MEAN) / DEVIATION


def augmented(padded, places, generator):
    """Crops at random places, every other one mirrored."""
    count, side = len(places), padded.shape[2] - 2 * PADDING
    rows = torch.randint(0, 2 * PADDING + 1, (count, 1), generator=generator) + torch.arange(side)
    columns = torch.randint(0, 2 * PADDING + 1, (count, 1), generator=generator) + torch.arange(side)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    images = padded[places.view(-1, 1, 1), :, rows.view(count, side, 1), columns.view(count, 1, side)]
    return normalized(images.permute(0, 3, 1, 2))


def accuracy(network, pixels, labels):
    network.eval()
    with torch.no_grad():
        right = sum(
            int((network(normalized(part)).argmax(1) == truth).sum())
            for part, truth in zip(pixels.split(500), labels.split(500)))
    return right / len(labels)


def train(network, images, test, generator, *, epochs, batch_size=128, rate=0.1, frozen=False):
    """Trains what has gradients; a line per epoch.

    images and test are what load gives; frozen keeps the running statistics as they are; without
    test images nothing is evaluated.
    """
    pixels, labels, _ = images
    padded = functional.pad(pixels, (PADDING,) * 4)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(
        [{"params": [p for p in trained if p.dim() > 1], "weight_decay": 1e-4},
         {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0}],
        lr=rate, momentum=0.9)
    steps = epochs * math.ceil(len(labels) / batch_size)
    warm_up = min(200, steps // 10)

    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up))) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    for epoch in range(epochs):
        network.train(not frozen)
        total, begin = 0.0, time.perf_counter()
        for places in torch.randperm(len(labels), generator=generator).split(batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(
                network(augmented(padded, places, generator)), labels[places])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(places)
        seconds = time.perf_counter() - begin
        line = f"epoch {epoch + 1}/{epochs} loss {total / len(labels):.4f}"
        if test:
            begin = time.perf_counter()
            line += f" test accuracy {accuracy(network, *test[:2]):.4f}"
            line += f" evaluation {time.perf_counter() - begin:.1f} s"
        print(f"{line} training {seconds:.1f} s {len(labels) / seconds:.0f} images/s", flush=True)


def options(description):
    """The arguments of a script that trains on a folder."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="only so many images of each folder")
    return parser


def prepared(options):
    """A generator of the seed, which the number of threads is set with."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    print(f"torch {torch.__version__}, {options.threads} threads", flush=True)
    return torch.Generator().manual_seed(options.seed)


def main():
    parser = options(__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--no-test", action="store_true", help="only time the training")
    arguments = parser.parse_args()
    generator = prepared(arguments)

    begin = time.perf_counter()
    images = load(arguments.folder / "train", arguments.limit)
    test = None if arguments.no_test else load(arguments.folder / "test", arguments.limit)
    print(f"{len(images[1])} images decoded in {time.perf_counter() - begin:.1f} s", flush=True)
    train(resnet20(images[2]), images, test, generator, epochs=arguments.epochs,
          batch_size=arguments.batch_size)


if __name__ == "__main__":
    main()
