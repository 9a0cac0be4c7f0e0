#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes the images beside this file with Pillow, and what Pillow makes of them: python3 make.py
#
# Written with Pillow 13.0.0, which has libjpeg-turbo 3.2.0.

import io
import math
import pathlib
import struct

from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent


def drawn(width, height):
    """Slopes, a disc with a hard edge, and stripes one pixel wide."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            red = 255 * x // width
            green = 255 if math.hypot(x - width / 3, y - height / 2) < height / 3 else 255 * y // height
            blue = 255 * (x % 2) if y < height // 4 else 128 + int(127 * math.sin(x * y / 40))
            image.putpixel((x, y), (red, green, blue))
    return image


def smooth(width, height):
    """Slopes alone, of which little is lost in a JPEG file."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (255 * x // width, 255 * y // height,
                                    128 + int(127 * math.sin(x / 40) * math.cos(y / 30))))
    return image


def jpeg(name, image, **options):
    image.save(HERE / f"{name}.jpg", **options)
    if image.mode != "CMYK":
        with Image.open(HERE / f"{name}.jpg") as read:
            read.save(HERE / f"{name}{'.pgm' if read.mode == 'L' else '.ppm'}")


def make_jpeg():
    image = drawn(37, 29)
    jpeg("baseline", image, quality=90)
    jpeg("progressive", image, quality=85, progressive=True, subsampling=0)
    jpeg("gray", image.convert("L"), quality=80)
    image.convert("CMYK").save(HERE / "cmyk.jpg")
    smooth(320, 240).save(HERE / "large.jpg", quality=75)
    for divisor in (2, 4, 8):
        with Image.open(HERE / "large.jpg") as read:
            read.draft("RGB", (320 // divisor, 240 // divisor))
            read.save(HERE / f"large-{divisor}.ppm")


def make_oriented():
    # Blocks of 8 x 8 in colours of their own.
    image = Image.new("RGB", (24, 16))
    for y in range(16):
        for x in range(24):
            image.putpixel((x, y), (40 + 80 * (x // 8), 60 + 120 * (y // 8), 200 - 60 * (x // 8)))
    for orientation in range(1, 9):
        order = "<" if orientation % 2 else ">"
        # A tag before it, as cameras write.
        exif = b"Exif\0\0" + (b"II" if order == "<" else b"MM")
        exif += struct.pack(order + "HIH", 42, 8, 2)
        exif += struct.pack(order + "HHII", 0x0100, 4, 1, 24)
        exif += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
        image.save(HERE / f"oriented-{orientation}.jpg", exif=exif, subsampling=0)
        with Image.open(HERE / f"oriented-{orientation}.jpg") as read:
            ImageOps.exif_transpose(read).save(HERE / f"oriented-{orientation}.ppm")


def make_scaled():
    filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    image = drawn(61, 43)
    image.save(HERE / "source.ppm")
    image.convert("L").save(HERE / "source.pgm")
    for name, filter in filters.items():
        for width, height in ((20, 15), (100, 80), (61, 10), (7, 43), (1, 1), (59, 47)):
            if name != "nearest" or (width, height) in ((20, 15), (100, 80)):
                image.resize((width, height), filter).save(HERE / f"{name}-{width}x{height}.ppm")
        image.convert("L").resize((24, 31), filter).save(HERE / f"{name}-24x31.pgm")


make_jpeg()
make_oriented()
make_scaled()
