#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fuzz gen/mofgen.py: MOF that is changed at random becomes tables, or is refused with its place.

usage: mof.py SECONDS FINDINGS-DIR [FILE...]      with files: only these, once

Any exception but MofError is a finding; so is a piece that takes longer than a second of the processor. What it
prints in the end is in the form of libFuzzer's figures, for tests/fuzz/run.
"""
import hashlib
import pathlib
import random
import re
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "gen"))
import mofgen  # noqa: E402

DECLARED = {}  # the qualifiers that the schema declares
QUALIFIERS = (TOP / "agent/schema/qualifiers.mof").read_text(encoding="utf-8")
PIECE = re.compile(r'"(?:\\.|[^"\\])*"|\w+|\s+|.', re.S)
WORDS = ["class", "CIM_A", "REF", "[", "]", "{", "}", "(", ")", ",", ";", ":", "=", "NULL", '"x"', '""',
         "0x10", "0x", "-1", "1e9", "TRUE", "Key", "ValueMap", "Values", "EmbeddedInstance", "Override",
         "Qualifier", "string", "uint16", "instance", "#pragma", "/*", "*/", "//", "'", '"', "\\", "\0", "\u00e9",
         "EmbeddedInstance(NULL)", 'ValueMap{NULL}, Values{"a"}', "Scope(", "Flavor(", "\n"]


def compile_mof(text):
    """As main() of mofgen does; True when it was good."""
    schema = mofgen.Schema()
    schema.qualtypes = dict(DECLARED)
    try:
        mofgen.Parser("mof", text, schema).parse()
        schema.check()
        mofgen.Writer(schema, []).c_file("")
        mofgen.h_file(schema, "")
    except mofgen.MofError as e:
        assert str(e).strip(), "a refusal without a reason"
        return False
    return True


def seeds():
    """The classes of the schema, one by one, and what once failed."""
    for f in sorted((TOP / "agent/schema").glob("*.mof")):
        for cls in re.split(r"(?<=\n};)\n", f.read_text(encoding="utf-8")):
            # without the superclass, which is another seed
            yield re.sub(r"(class \w+) : \w+", r"\1", cls)[:6000]
    yield QUALIFIERS.replace("Qualifier Key", "Qualifier Key2")
    for f in sorted((HERE / "findings/mof").glob("*")):
        yield f.read_text(encoding="utf-8", errors="surrogateescape")


def mutate(rng, pieces, others):
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(pieces) + 1)
        what = rng.randrange(5)
        if what == 0:
            pieces[at:at + rng.randrange(1, 4)] = []
        elif what == 1:
            pieces.insert(at, rng.choice(WORDS))
        elif what == 2:
            pieces[at:at + 1] = [rng.choice(WORDS)]
        elif what == 3:
            start = rng.randrange(len(others) + 1)
            pieces[at:at] = others[start:start + rng.randrange(1, 12)]
        elif pieces:
            again = rng.randrange(len(pieces))
            pieces[at:at] = pieces[again:again + rng.randrange(1, 30)]
    return "".join(pieces)


def one(text, found):
    """False: a finding, kept in a file."""
    start = time.thread_time()
    try:
        good = compile_mof(text)
        assert time.thread_time() - start < 1, "it took longer than a second"
        return good, True
    except Exception:
        path = found / ("crash-" + hashlib.sha1(text.encode("utf-8", "surrogateescape")).hexdigest())
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        traceback.print_exc()
        print(f"finding: {path}")
        return False, False


def main():
    declared = mofgen.Schema()
    mofgen.Parser("qualifiers", QUALIFIERS, declared).parse()
    DECLARED.update(declared.qualtypes)
    seconds, found, files = float(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    found.mkdir(parents=True, exist_ok=True)
    if files:
        return not all(one(pathlib.Path(f).read_text(encoding="utf-8", errors="surrogateescape"),
                           found)[1] for f in files)
    pool = [PIECE.findall(s) for s in seeds()]
    runs = good = 0
    for p in pool:
        runs += 1
        fine, ok = one("".join(p), found)
        good += fine
        if not ok:
            return 1
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, {len(pool)} pieces of MOF")
    rng, start = random.Random(seed), time.monotonic()
    while time.monotonic() < start + seconds:
        runs += 1
        fine, ok = one(mutate(rng, list(rng.choice(pool)), rng.choice(pool)), found)
        good += fine
        if not ok:
            return 1
    assert 0 < good < runs, "nothing was refused, or everything"
    print(f"stat::number_of_executed_units: {runs}\n"
          f"stat::average_exec_per_sec: {int(runs / seconds)}\n# {good} were good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
