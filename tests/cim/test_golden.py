#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests as real clients sent them, byte for byte, and the answers they get.

usage: test_golden.py             compares; TAP
       test_golden.py --update    rewrites golden/*.out: read the diff before you keep it

golden/CLIENT-CASE.http is what wbemcli 1.6.3 or pywbem 1.9.1 sent; CLIENT-CASE.out is the answer of
testd without Date and WBEMServerResponseTime, one element a line. Names of open enumerations are
random: CONTEXT stands for them. Every answer is valid against the DTD.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import HERE, Tap, raw, testd  # noqa: E402
from rpltest import valid  # noqa: E402

GOLDEN = HERE / "golden"
VARYING = {"date", "wbemserverresponsetime", "content-length"}


def answer(server, path):
    """As text, so that differences can be read."""
    r = raw(server, path.read_bytes())
    assert r is not None, "the connection was closed without an answer"
    if r.status == 200:
        valid.check(r.body)
    lines = [str(r.status)]
    lines += sorted(f"{k}: {v}" for k, v in r.headers.items() if k not in VARYING)
    body = re.sub(r"(?<=<VALUE>)[0-9a-f]{32}(?=</VALUE>)", "CONTEXT", r.body)
    return "\n".join(lines) + "\n\n" + re.sub(r">(?=<)", ">\n", body)


def check(server, path):
    got, want = answer(server, path), path.with_suffix(".out").read_text()
    if got == want:
        return
    g, w = got.splitlines(), want.splitlines()
    at = next((i for i, (a, b) in enumerate(zip(g, w)) if a != b), min(len(g), len(w)))
    raise AssertionError(f"line {at + 1}: {g[at:at + 1]} instead of {w[at:at + 1]}")


def invalid(server, path):
    """The DTD is looked at: without what it wants, an answer is refused."""
    r = raw(server, path.read_bytes())
    for what, instead in ((' TYPE="uint32"', ""), ("</IRETURNVALUE>", "</IRETURNVALUE><X/>")):
        assert what in r.body
        try:
            valid.check(r.body.replace(what, instead, 1))
        except AssertionError:
            continue
        raise AssertionError(f"{what} is not missed")


def main():
    server = testd()
    tap = Tap()
    for path in sorted(GOLDEN.glob("*.http")):
        if "--update" in sys.argv:
            path.with_suffix(".out").write_text(answer(server, path))
        else:
            tap.test(f"golden: {path.stem}", check, server, path)
    tap.test("golden: an invalid answer is noticed", invalid, server,
             GOLDEN / "pywbem-open-paths.http")
    tap.test("golden: ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
