#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden requests with mistakes in them, against smisd on a simulated node.

usage: test_mutated.py [SECONDS [SEED]]

Each is a real client's request with bytes changed, cut, doubled or moved, its length made right
again. Whatever it has become, it gets an answer or its connection is closed, soon; the next
good request is served; nothing leaks. TAP; the seed is in the name of the test.
"""
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import HERE, Tap, basic, class_param, imethod, raw, request, smisd  # noqa: E402

TOKENS = [b"<", b">", b"&", b'"', b"\0", b"\xff", b"&#0;", b"&lt;", b"<!DOCTYPE x>", b"<![CDATA[",
          b"]]>", b"<VALUE.NULL/>", b"<VALUE>", b"</VALUE>", b"<IPARAMVALUE NAME=\"x\"/>", b"-1",
          b"99999999999999999999", b"<INSTANCE CLASSNAME=\"x\"/>", b"\r\n", b"<?pi?>", b"<!--",
          b"TPD_", b"RPL_StorageVolume", b"CIM_ManagedElement", b"root", b"interop"]


def mutate(rng, body):
    body = bytearray(body)
    well_formed = rng.random() < 0.6  # then only names and texts change: the broker's turn
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        end = min(len(body), at + rng.choice([1, 2, 10, 100]))
        kind = 4 if well_formed else rng.randrange(5)
        if kind == 0:
            body[at:end] = b""
        elif kind == 1:
            body[at:at] = rng.choice(TOKENS)
        elif kind == 2 and at < len(body):
            body[at] = rng.randrange(256)
        elif kind == 3:
            body[at:at] = body[at:end] * rng.choice([1, 2, 50])
        else:
            what = rng.choice([rb'"[^"]*"', rb'(?<=[a-z]>)[^<>]+(?=</)', rb"<(VALUE|KEYBINDING|"
                               rb"PARAMVALUE|IPARAMVALUE)\b.*?</\1>"])
            found = list(re.finditer(what, bytes(body), re.S))
            if found:
                m = rng.choice(found)
                body[m.start():m.end()] = rng.choice(found)[0] * rng.choice([1, 1, 1, 2])
    return bytes(body) or b"x"


def run(server, seconds, seed):
    rng = random.Random(seed)
    bodies = [p.read_bytes().split(b"\r\n\r\n", 1)[1].replace(b"RPL_Volume", b"RPL_StorageVolume")
              .replace(b"RPL_Pool", b"RPL_StoragePool")
              for p in sorted((HERE / "golden").glob("*.http"))]
    end, n, statuses = time.monotonic() + seconds, 0, {}
    while time.monotonic() < end:
        body = mutate(rng, rng.choice(bodies))
        r = raw(server, request(body, Authorization=basic()), 10)
        status = r.status if r else "closed"
        statuses[status] = statuses.get(status, 0) + 1
        n += 1
        if server.proc.poll() is not None:
            raise AssertionError(f"request {n} ended the server: {body[:2000]!r}")
        assert status in (200, 400, 501, 413), f"request {n} got {status}: {body[:500]!r}"
    good = raw(server, request(imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))))
    assert good and good.status == 200 and "<INSTANCENAME" in good.body
    print(f"# {n} requests: {statuses}")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    tap, server = Tap(), smisd()
    tap.test(f"mutated requests, seed {seed}", run, server, seconds, seed)
    tap.test("mutated requests: ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
