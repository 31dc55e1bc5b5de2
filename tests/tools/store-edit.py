#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Change a closed store on disk as a newer version or a broken one would have, checksums right.

usage: store-edit DEVICE show                 the newer superblock, the records
       store-edit DEVICE sb FIELD VALUE       in both superblocks: incompat ro_compat compat
                                              dev_bytes flags max_volumes max_snapshots
                                              chunk_sectors epoch
       store-edit DEVICE uuid-b               superblock B gets another store's uuid
       store-edit DEVICE page N               both slots of page N of the object table: damaged
       store-edit DEVICE journal damage|show  the first block of its journal that counts: damaged
       store-edit DEVICE where map            index, generation and place of each page that was ever
                                              written, then the place of its other slot
       store-edit DEVICE where journal        places of the blocks that count, in order
       store-edit DEVICE where area KIND      place and length of the first area of a kind
       store-edit DEVICE record FIELD VALUE   in every clone's record: volume_id state nr_sectors
       store-edit DEVICE fuzz SEED            random bytes in all areas but that of data
       store-edit DEVICE hostile SEED         random bytes in fields, all checksums made right again
The layout is kmod/format.c's; test-format.c checks that one, this is a second opinion.
"""
import os
import random
import struct
import sys

BLOCK = 4096
SBS = (0, 65536)
JBLOCK = 0x6e6a6c52
PAGE = 0x70676c52
DATA = 5
U64 = {"generation": 32, "compat": 40, "ro_compat": 48, "incompat": 56, "dev_bytes": 80, "epoch": 88,
       "incarnation": 112, "journal_tail": 120}
U32 = {"flags": 64, "block_bytes": 68, "chunk_sectors": 72, "max_volumes": 76, "max_snapshots": 152}
AREAS = 256
CLONE = {"volume_id": (16, "I"), "state": (20, "I"), "nr_sectors": (64, "Q"),
         "bitmap_page": (96, "I"), "bitmap_pages": (100, "I")}


def crc32c(data):
    table = crc32c.table
    crc = 0xffffffff
    for b in data:
        crc = table[(crc ^ b) & 0xff] ^ (crc >> 8)
    return crc ^ 0xffffffff


def make_table():
    out = []
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ 0x82f63b78 if i & 1 else i >> 1
        out.append(i)
    return out


crc32c.table = make_table()


def seal(block):
    struct.pack_into("<I", block, 0, crc32c(bytes(block[4:])))


class Store:
    def __init__(self, path):
        self.f = open(path, "r+b", buffering=0)
        # a store in use is written below the cache of its device
        os.posix_fadvise(self.f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        gens = [struct.unpack_from("<Q", self.read(at), 32)[0] for at in SBS]
        self.sb = self.read(SBS[gens.index(max(gens))])
        self.areas = {}
        for i in range(16):
            kind, _, off, length = struct.unpack_from("<IIQQ", self.sb, AREAS + 24 * i)
            if kind:
                self.areas[kind] = (off, length)

    def read(self, at, bytes_=BLOCK):
        self.f.seek(at)
        return bytearray(self.f.read(bytes_))

    def write(self, at, data):
        self.f.seek(at)
        self.f.write(data)

    def both_sbs(self, change):
        for at in SBS:
            block = self.read(at)
            change(block)
            seal(block)
            self.write(at, block)

    def pages(self):
        """Place of each slot of the object table that is sealed."""
        off, length = self.areas[1]
        for at in range(off, off + length, BLOCK):
            block = self.read(at)
            if struct.unpack_from("<I", block, 4)[0] == PAGE:
                yield at, block

    def records(self, kind):
        for at, block in self.pages():
            for n in range(15):
                base = 256 * (n + 1)
                if struct.unpack_from("<I", block, base)[0] == kind:
                    yield at, block, base


def show(st):
    for name, at in sorted({**U64, **U32}.items()):
        fmt = "<Q" if name in U64 else "<I"
        print(name, struct.unpack_from(fmt, st.sb, at)[0])
    for kind, (off, length) in st.areas.items():
        print("area", kind, off, length)
    for at, block, base in st.records(3):
        ident = struct.unpack_from("<I", block, base + 4)[0]
        print("clone", ident, {k: struct.unpack_from("<" + f, block, base + o)[0]
                               for k, (o, f) in CLONE.items()})


def set_sb(st, field, value):
    at = {**U64, **U32}[field]
    st.both_sbs(lambda b: struct.pack_into("<Q" if field in U64 else "<I", b, at, int(value, 0)))


def uuid_b(st):
    block = st.read(SBS[1])
    block[16] ^= 0xff
    seal(block)
    st.write(SBS[1], block)


def damage_page(st, n):
    off, _ = st.areas[1]
    for slot in range(2):
        at = off + (2 * int(n) + slot) * BLOCK
        block = st.read(at)
        block[2000] ^= 1
        st.write(at, block)


def journal_blocks(st):
    """Number and place of those that count, in order."""
    off, length = st.areas[3]
    mine = st.sb[112:120]
    blocks = sorted((struct.unpack_from("<Q", b, 32)[0], at) for at, b in
                    ((at, st.read(at)) for at in range(off, off + length, BLOCK))
                    if struct.unpack_from("<I", b, 4)[0] == JBLOCK and b[24:32] == mine)
    tail = struct.unpack_from("<Q", st.sb, 120)[0]
    return [(seq, at) for seq, at in blocks if seq >= tail]


def where(st, what, kind=None):
    if what == "area":
        print(*st.areas[int(kind)])
    elif what == "journal":
        print(*(at for _, at in journal_blocks(st)))
    elif what == "map":
        off, length = st.areas[4]
        last = struct.unpack_from("<Q", st.sb, U64["generation"])[0]
        for at in range(off, off + length - BLOCK, 2 * BLOCK):
            gens = [(struct.unpack_from("<Q", b, 16)[0], place) for b, place in
                    ((st.read(p), p) for p in (at, at + BLOCK))
                    if struct.unpack_from("<I", b, 4)[0] == PAGE]
            gens = [(g, place) for g, place in gens if g <= last]
            if gens:
                gen, newer = max(gens)
                print((at - off) // (2 * BLOCK), gen, newer, 2 * at + BLOCK - newer)


def journal(st, what):
    blocks = journal_blocks(st)
    if what == "show":
        tail = struct.unpack_from("<Q", st.sb, 120)[0]
        print(len(blocks), "blocks from", tail)
        return
    _, at = blocks[0]
    block = st.read(at)
    block[2000] ^= 1
    st.write(at, block)


def set_record(st, field, value):
    o, fmt = CLONE[field]
    for at, block, base in list(st.records(3)):
        struct.pack_into("<" + fmt, block, base + o, int(value, 0))
        seal(block)
        st.write(at, block)


def used_block(st, rnd, kind):
    """Place of a block of an area that is not blank, or of its first one."""
    off, length = st.areas[kind]
    data = st.read(off, length)
    used = [at for at in range(0, length, BLOCK) if data.count(0, at, at + BLOCK) < BLOCK]
    return off + rnd.choice(used or [0])


def fuzz(st, seed):
    rnd = random.Random(int(seed))
    areas = sorted(kind for kind in st.areas if kind != DATA)
    for _ in range(1 + rnd.randrange(8)):
        off, length = st.areas[rnd.choice(areas)]
        at = rnd.choice([off + rnd.randrange(length), rnd.choice(SBS) + rnd.randrange(700),
                         used_block(st, rnd, rnd.choice(areas)) + rnd.randrange(BLOCK)])
        block = st.read(at - at % 512, 512)
        block[at % 512] = rnd.randrange(256)
        st.write(at - at % 512, block)


def hostile(st, seed):
    rnd = random.Random(int(seed))

    def junk():
        return rnd.choice([0, 1, 0xff, rnd.randrange(256)])
    if rnd.random() < 0.5:
        at = rnd.randrange(32, 640)
        st.both_sbs(lambda b: b.__setitem__(at, junk()))
    for at, block in list(st.pages()):
        used = [n for n in range(15) if any(block[256 * (n + 1):256 * (n + 2)])]
        for _ in range(rnd.randrange(4)):
            n = rnd.choice(used) if used and rnd.random() < 0.9 else rnd.randrange(15)
            block[256 * (n + 1) + rnd.randrange(rnd.choice([8, 128, 256]))] = junk()
        seal(block)
        st.write(at, block)
    for kind in sorted(k for k in st.areas if k not in (1, DATA)):
        for _ in range(rnd.randrange(3)):
            at = used_block(st, rnd, kind)
            block = st.read(at)
            first = rnd.choice([8, 64, 256])
            block[rnd.randrange(first, rnd.choice([first + 64, BLOCK]))] = junk()
            seal(block)
            st.write(at, block)


def main():
    commands = {"show": show, "sb": set_sb, "uuid-b": uuid_b, "page": damage_page,
                "journal": journal, "where": where,
                "record": set_record, "fuzz": fuzz, "hostile": hostile}
    if len(sys.argv) < 3 or sys.argv[2] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[2]](Store(sys.argv[1]), *sys.argv[3:])


if __name__ == "__main__":
    main()
