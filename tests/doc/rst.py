#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does doc/dm-replica.rst say what kmod/ does: tables, status, messages, parameters, tracepoints?

Each check compares both ways: what the sources have and what the page tells.  Prints TAP.  What the
examples do is tested by tests/kernel/doc-page.sh.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
TARGETS = {"replica-store": "kmod/target-store.c", "replica-source": "kmod/source.c",
           "replica-clone": "kmod/clone-target.c", "replica-snap": "kmod/snap-target.c"}


def read(name):
    return (TOP / name).read_text()


def sections(text, underline):
    """Heading -> body, of headings underlined with this character."""
    parts = re.split(rf"^(.+)\n{re.escape(underline)}{{3,}}\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


PAGE = sections(read("doc/dm-replica.rst"), "=")


def literals(body):
    """Lines of the indented blocks behind `::`."""
    lines = []
    for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", body):
        lines += [line.strip() for line in block.splitlines() if line.strip()]
    return lines


def rows(body):
    """First column -> second column of simple tables."""
    out, key = {}, None
    for rule, table in re.findall(r"^(=+) =+\n(.*?)^=+ =+$", body, re.M | re.S):
        for line in table.splitlines():
            if line[:1].strip():
                key = line[:len(rule)].strip()
                out[key] = line[len(rule) + 1:].strip()
            elif key:
                out[key] += " " + line.strip()
    return out


def compare(what, sources, page):
    return [f"{what} {n} is not on the page" for n in sorted(set(sources) - set(page))] + \
           [f"the page has {what} {n}, the sources do not" for n in sorted(set(page) - set(sources))]


def status_case(target):
    return re.search(r"case STATUSTYPE_INFO:(.*?)case STATUSTYPE_TABLE:", read(TARGETS[target]),
                     re.S)[1]


def tables():
    """The table line of each target is the one that its constructor tells, its arguments are told."""
    bad = []
    for target, body in sections(PAGE["Tables"], "-").items():
        args = re.search(r'"Arguments: (.*)"', read(TARGETS[target]))[1]
        bad += compare("table line", {f"{target} {args}"}, set(literals(body)))
        words = re.findall(r"<([^#>]+)>", re.sub(r"\[.*\]", "", args))
        told = rows(body.split("Features:")[0])
        bad += compare(f"{target}: argument", words, told)
    return bad


def features():
    """The features of replica-store."""
    known = re.findall(r'strcasecmp\(word, "(\w+)"\)', read(TARGETS["replica-store"]))
    told = rows(sections(PAGE["Tables"], "-")["replica-store"].split("Features:")[1])
    return compare("feature", known, [k.split()[0] for k in told])


def status():
    """The status line of each target has as many fields as its code emits, each with a row."""
    bad = []
    for target, body in sections(PAGE["Status"], "-").items():
        emitted = " ".join(re.findall(r'DMEMIT\("(.*?)"', status_case(target)))
        # eta is emitted in one of two ways
        emitted = emitted.replace(" - %u", " %u")
        fields = re.findall(r"<([^>]+)>", literals(body)[0])
        nr = len(re.findall(r"%\w+|\b0\b", emitted))
        if nr != len(fields):
            bad.append(f"{target}: {nr} fields in the code, {len(fields)} on the page")
        bad += compare(f"{target}: field", fields, rows(body.split("States:")[0]))
    return bad


def states():
    """The states that a clone can have."""
    enum = read("uapi/dm-replica.yaml").split("name: state\n")[1].split("\n  -\n")[0]
    known = re.findall(r"- name: ([a-z]+)$", enum, re.M)
    body = sections(PAGE["Status"], "-")["replica-clone"].split("States:")[1]
    told = list(rows(body)) + re.findall(r"[a-z]+", re.search(r"Not yet in use: (.*?)\.", body)[1])
    return compare("state", known, [*told, "detached"]) + \
        ([] if "detached" in body else ["detached is not on the page"])


def messages():
    """Every message with its arguments, as the head of kmod/message.c lists them."""
    text = read("kmod/message.c")
    head = text.split("*/")[0]
    known = set()
    for words, args in re.findall(r"^ \*   ([\w|]+) (.*)$", head, re.M):
        known |= {f"{w} {args}".replace("…", "...") for w in words.split("|")}
    parsed = set(re.findall(r'\{ "(\w+)", RPL_ACTION', text)) | \
        set(re.findall(r'strcasecmp\(argv\[0\], "(\w+)"\)', text))
    return compare("message", known, literals(PAGE["Messages"])) + \
        compare("message", parsed, {line.split()[0] for line in known})


def parameters():
    """The module's parameters and their defaults."""
    bad, known = [], {}
    for f in sorted((TOP / "kmod").glob("*.c")):
        text = f.read_text()
        params = re.findall(r"module_param_cb\((\w+),.*?(\w+), 0\d+\)", text) + \
            re.findall(r"module_param_named\((\w+), (\w+), ", text)
        for name, var in params:
            found = re.search(rf"^(?:unsigned int|static \w+.*) {var}(?: = (\d+))?;", text, re.M)
            known[name] = found[1] or "0"
    told = rows(PAGE["Module parameters"])
    for name in set(known) & set(told):
        if f"({known[name]})" not in told[name]:
            bad.append(f"{name}: the default is {known[name]}")
    return bad + compare("parameter", known, told)


def tracepoints():
    """The tracepoints and their fields."""
    text, bad = read("kmod/trace.h"), []
    fields = {}
    for kind, args, body in re.findall(r"^(TRACE_EVENT|DECLARE_EVENT_CLASS)\((\w+),(.*?)^\);", text,
                                       re.M | re.S):
        fields[args] = re.findall(r"(\w+)=%", "".join(re.findall(r'TP_printk\("(.*?)"', body)))
    known = {n: fields[n] for n in re.findall(r"^TRACE_EVENT\((\w+),", text, re.M)}
    known |= {n: fields[c] for c, n in re.findall(r"^DEFINE_EVENT\((\w+), (\w+),", text, re.M)}
    told = rows(PAGE["Tracepoints"])
    for name in set(known) & set(told):
        if "the same fields" in told[name]:
            continue
        # of every event, as the text above the table says
        said = {"store", *re.findall(r"``(\w+)``", told[name])}
        bad += compare(f"{name}: field", known[name], said)
    return bad + compare("tracepoint", known, told) + ([] if known else ["no tracepoints found"])


def main():
    checks = (tables, features, status, states, messages, parameters, tracepoints)
    failed = 0
    print(f"1..{len(checks)}")
    for i, check in enumerate(checks, 1):
        bad = check()
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {i} - dm-replica.rst: {check.__doc__}")
        for line in bad:
            print(f"# {line}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
