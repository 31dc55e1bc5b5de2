#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the CIM schema says of the classes that we serve: tests/cim/schema-facts.tsv.

	schema_facts.py DIR > tests/cim/schema-facts.tsv

writes it from the MOF files of the CIM schema in DIR, for the CIM_ classes of agent/schema: names,
types, numbers and strings of value maps, no descriptions. prov_schema.py compares it with what the
agent answers.
"""
import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "gen"))
import mofgen  # noqa: E402

TABLE = TOP / "tests/cim/schema-facts.tsv"
HEAD = """\
# Facts of the CIM schema 2.49.0 (Final) about the classes that we serve; tests/cim/schema_facts.py writes this
# from cim_schema_2.49.0Final-MOFs.zip (DMTF; among the tests in the source distribution of pywbem 1.9.1).
# class, element, qualifier, value; as above when left empty. The qualifiers "class" (value: the superclass),
# "is" (the type) and "default" are none. Arrays are JSON. Left out: Description and the three ...Constraint.
"""
LEFT_OUT = ("description", "classconstraint", "propertyconstraint", "methodconstraint")


def elements(cls):
    """(name, declaration) of the class (""), its properties, methods "M()" and parameters "M().P"."""
    yield "", cls
    for p in cls["props"]:
        yield p["name"], p
    for m in cls["methods"]:
        yield m["name"] + "()", m
        for p in m["params"]:
            yield f"{m['name']}().{p['name']}", p


def type_of(e):
    name = f"{e['ref']} REF" if e["ref"] else e["type"].removeprefix("CIM_").lower()
    return name + ("[]" if e.get("array") else "")


def read(files):
    schema = mofgen.Schema()
    for f in sorted(files, key=lambda f: not f.name.startswith("qualifiers")):
        mofgen.Parser(f.name, f.read_text("utf-8"), schema).parse()
    return schema


def facts(cls):
    for name, e in elements(cls):
        if name:
            yield name, "is", type_of(e)
            if e.get("default") is not None:
                yield name, "default", e["default"]
        else:
            yield name, "class", cls["super"] or ""
        for qtype, values in e["quals"].values():
            if qtype["name"].lower() not in LEFT_OUT:
                yield (name, qtype["name"],
                       json.dumps(values, ensure_ascii=False) if qtype["array"] else values[0])


def write(directory, out):
    served = read((TOP / "agent/schema").glob("*.mof")).classes.values()
    names = sorted(c["name"] for c in served if c["name"].startswith("CIM_"))
    top = pathlib.Path(directory)
    schema = read([*top.glob("qualifiers*.mof"),
                   *(next(top.glob(f"*/{n}.mof")) for n in names)])
    out.write(HEAD)
    for n in names:
        last = None
        for element, what, value in facts(schema.classes[n.lower()]):
            out.write("\t".join([n if last is None else "", "" if element == last else element,
                                 what, value]) + "\n")
            last = element


def load():
    """{class: {element: {qualifier: value}}}; values are strings and lists of strings."""
    table, cls, element = {}, None, ""
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        c, e, what, value = line.split("\t")
        if c:
            cls, element = table.setdefault(c, {}), ""
        element = e or element
        cls.setdefault(element, {})[what] = json.loads(value) if value[:1] == "[" else value
    return table


if __name__ == "__main__":
    write(sys.argv[1], sys.stdout)
