#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the documents say what the sources say? Prints TAP."""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def read(name):
    return (TOP / name).read_text(errors="replace")


def sources(pattern):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, check=True,
                         capture_output=True, text=True).stdout.splitlines()
    return sorted(f for f in set(out) if re.search(pattern, f) and (TOP / f).is_file())


def rules():
    """Every rule that the code cites (R.., F.., I..) is in doc/design.md."""
    known = set()
    for row in re.findall(r"^\| ([RFI][0-9RF, –]+) \|", read("doc/design.md"), re.M):
        for a, b in re.findall(r"([RFI]\d+)(?:–[RFI]?(\d+))?", row):
            known |= {f"{a[0]}{n}" for n in range(int(a[1:]), int(b or a[1:]) + 1)}
    cited = {}
    for f in sources(r"^(kmod|uapi|agent|tests)/.*\.(c|h|py|sh|yaml)$"):
        for number in re.findall(r"\b([RFI]\d{1,2})\b(?![\w\"'(])", comments(f)):
            cited.setdefault(number, f)
    return [f"{f} cites {n}" for n, f in sorted(cited.items()) if n not in known]


def comments(f):
    text = read(f)
    if f.endswith((".c", ".h")):
        return "\n".join(re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S))
    return text if f.endswith(".yaml") else ""


def invariants():
    """Every test that doc/design.md names for an invariant exists."""
    tests = "\n".join(read(f) for f in sources(r"^tests/e2e/.*\.py$"))
    table = read("doc/design.md").split("## Invariants")[1].split("\n## ")[0]
    return [n for n in re.findall(r"`(test_\w+)`", table) if f"def {n}(" not in tests]


def links():
    """Every file that a document links to or names exists."""
    bad = []
    for f in sources(r"\.md$"):
        for target in re.findall(r"\]\(([^)#:]+)\)", read(f)):
            if not (TOP / f).parent.joinpath(target).exists():
                bad.append(f"{f}: {target}")
    for name in re.findall(r"`?man (doc/man/[\w.-]+)", read("README.md")):
        if not (TOP / name).exists():
            bad.append(f"README.md: {name}")
    return bad


def pages():
    """The manual pages have no mistakes that groff knows of."""
    bad = []
    for f in sources(r"^doc/man/"):
        r = subprocess.run(["groff", "-man", "-ww", "-z", f], cwd=TOP, capture_output=True,
                           text=True)
        bad += r.stderr.splitlines()
    return bad


def settings():
    """smisd.conf(5) has every key of the configuration, with its default."""
    page = read("doc/man/smisd.conf.5").replace("\\", "")
    bad = []
    for key, default in re.findall(r'(?:STR|NUM)\("\w+", "([\w-]+)",(?: KIND_\w+,)? [\w.]+,\s*'
                                   r'"([^"]*)"', read("agent/engine/config.c")):
        if not re.search(rf"(^|[ \"]){re.escape(key)}([ \"]|$)", page, re.M):
            bad.append(f"{key} is not in smisd.conf(5)")
        elif default and default not in page and default != "admin" and default != "1T":
            bad.append(f"{key}: default {default} is not in smisd.conf(5)")
    return bad


def findings():
    """rpl-check(8) has every finding of rpl-check, and no other."""
    page = read("doc/man/rpl-check.8").replace("\\", "").split(".SH FINDINGS")[1].split(".SH ")[0]
    told = set(re.findall(r"[a-z]+(?:-[a-z]+)+", "\n".join(re.findall(r"^\.BR? .*$", page, re.M))))
    told -= {"rpl-check"}
    known = set(re.findall(r'\[FOUND_\w+\] = \{ "([\w-]+)"', read("cli/rpl-check/findings.c")))
    told |= {w for w in known if re.search(rf"^\.B {w}$", page, re.M)}
    return [f"{n} is not in rpl-check(8)" for n in sorted(known - told)] + \
           [f"rpl-check(8) has {n}, which there is not" for n in sorted(told - known)] + \
           ([] if len(known) > 20 else ["the table of findings cannot be read"])


# The limits that dm-replica(7) tells: what it calls them, their macro.
LIMITS = {
    "size of a chunk": ("RPL_CHUNK_SECTORS_MIN", "RPL_CHUNK_SECTORS_MAX"),
    "size of a store": ("RPL_MIN_STORE_BYTES",),
    "volumes of a store": ("DEFAULT_MAX_VOLUMES", "RPL_VOLUMES_MAX"),
    "snapshots of a volume": ("RPL_SNAPSHOTS_MAX",),
    "snapshots of a store": ("RPL_SNAPSHOTS_PER_VOLUME", "RPL_SNAPSHOTS_ALL_MAX"),
    "unfinished clones of a volume": ("RPL_CLONES_MAX",),
    "members of a group": ("RPL_MEMBERS_MAX",),
    "id of a clone or snapshot": ("RPL_ID_MAX",),
    "size of a volume": ("RPL_VOLUME_SECTORS_MAX",),
}


def limits():
    """dm-replica(7) has the limits that the module has, no other."""
    code = "\n".join(read(f) for f in sources(r"^(kmod|uapi)/.*\.[ch]$"))
    table = read("doc/man/dm-replica.7").split(".SH LIMITS")[1].split(".TE")[0]
    told = dict(re.findall(r"^([^.\t\n]+)\t(.*)$", table, re.M))
    bad = [f"limits of {what}" for what in told.keys() ^ LIMITS.keys()]
    for what in told.keys() & LIMITS.keys():
        for macro in LIMITS[what]:
            said = re.search(rf"#define {macro}\s+(.*?)(?: /\*.*)?$", code, re.M)[1]
            value = eval(re.sub(r"(\d)U?L{0,2}\b", r"\1", said), {"BIT_ULL": lambda n: 1 << n})
            if not re.search(rf"(?<!\d){value}(?!\d)", told[what]):
                bad.append(f"{what}: {macro} is {value}")
    return bad


def main():
    checks = (rules, invariants, links, pages, settings, findings, limits)
    failed = 0
    print(f"1..{len(checks)}")
    for i, check in enumerate(checks, 1):
        bad = check()
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {i} - {check.__doc__}")
        for line in bad:
            print(f"# {line}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
