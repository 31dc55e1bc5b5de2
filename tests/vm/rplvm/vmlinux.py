# SPDX-License-Identifier: GPL-2.0-or-later
"""Unpack the ELF kernel from a bzImage: it boots by PVH in half the time of the image itself."""
import lzma
import struct
import subprocess
import zlib


def _unpack(data):
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(data)
    if data[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        r = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
        return r.stdout
    raise ValueError(f"unknown compression of the kernel image: {data[:6].hex()}")


def extract(image, to):
    """Write the ELF kernel inside the bzImage `image` to the file `to`."""
    data = image.read_bytes()
    setup = (data[0x1f1] or 4) + 1
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = setup * 512 + offset
    # The last four bytes of the payload are its unpacked size, not part of the stream.
    elf = _unpack(data[start:start + length - 4])
    if elf[:4] != b"\x7fELF":
        raise ValueError(f"{image} holds no ELF kernel")
    to.write_bytes(elf)
