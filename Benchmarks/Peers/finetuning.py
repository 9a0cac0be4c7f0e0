#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fine-tunes a ResNet-20 from six classes of CIFAR-10 to all ten, in PyTorch.

    pip install torch numpy pillow
    Benchmarks/Peers/finetuning.py FOLDER [--threads 2] [--seed 1] [--limit N]

FOLDER has train and test, with a folder per class in each. First a network is trained on the first
six classes, four epochs with the settings of cifar10.py. Then its last layer is a new one for all
ten, which is trained alone for one epoch at a rate of 0.1, with the running statistics as they
are; at last all of it for two epochs at 0.02. The same by convnet, where six has those six folders:

    convnet train --network resnet20 --data six/train --test six/test --epochs 4 --seed 1 \\
        --out six.safetensors
    convnet export --parameters six.safetensors --out six.onnx
    settings="--data FOLDER/train --test FOLDER/test --batch-size 128 --optimizer momentum \\
        --momentum 0.9 --weight-decay 0.0001 --decay weights --schedule cosine \\
        --augment shift:4,flip"
    convnet train --from six.onnx --new-output --trainable '14.*' --freeze-normalization \\
        --epochs 1 --warm-up 39 --learning-rate 0.1 $settings --out head.safetensors
    convnet train --from head.safetensors --epochs 2 --warm-up 78 --learning-rate 0.02 \\
        $settings --out ten.safetensors
"""
from torch import nn

import cifar10


def main():
    arguments = cifar10.options(__doc__).parse_args()
    generator = cifar10.prepared(arguments)

    def images(classes):
        return [cifar10.load(arguments.folder / part, arguments.limit, classes)
                for part in ("train", "test")]

    print("six classes")
    train, test = images(6)
    network = cifar10.resnet20(6)
    cifar10.train(network, train, test, generator, epochs=4)

    print("ten classes, the last layer alone")
    train, test = images(10)
    network.requires_grad_(False)
    network[-1] = nn.Linear(64, 10)
    nn.init.kaiming_normal_(network[-1].weight)
    cifar10.train(network, train, test, generator, epochs=1, frozen=True)

    print("ten classes, all layers")
    network.requires_grad_(True)
    cifar10.train(network, train, test, generator, epochs=2, rate=0.02)


if __name__ == "__main__":
    main()
