#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mofgen.py - MOF to C tables.

	gen/mofgen.py -o agent/schema/schema-gen agent/schema/*.mof

writes schema-gen.c (the tables of cim/schema.h) and schema-gen.h (constants of ValueMaps).

THE MOF THAT IS ACCEPTED (DSP0004 without instances and aliases):
  // and /* */ comments; #pragma lines are skipped, but for
  #pragma namespace ("interop"): the classes behind it, to the end of the file or to
	#pragma namespace (""), are in interop too, whether they have instances or not.
  Qualifier Name : type[[]] [= default], Scope(...), Flavor(...);   (agent/schema/qualifiers.mof)
  [quals] class NAME [: SUPER] { [quals] type name[[]] [= default];  REFERENCES  METHODS };
  reference:  [Key] CIM_X REF Name;      (in association classes)
  method:     [quals] uint32 Name([quals] type name[[]], [In(false), Out] CIM_X REF Job, ...);
  qualifiers: Name | Name(value) | Name{v1, v2} | Name ( "a" "b" ) (adjacent strings are joined);
	flavors after a colon (Name : ToSubclass) are skipped.
  types: boolean uint8..64 sint8..64 real32 real64 char16 string datetime, `CIM_X REF`.
  defaults: numbers, TRUE/FALSE, NULL, strings, { lists }.
Files are read in the order of the command line but classes may use each other in any order.
Names: superclasses CIM_..., ours RPL_... (the prefix is replaced for each namespace at run time,
in class names, REFs, EmbeddedInstance("RPL_...") too).

QUALIFIERS WITH A MEANING HERE (all others are only carried to GetClass):
  Association, Abstract (class); Key, Required, Write, EmbeddedInstance("CIM_X"), EmbeddedObject,
  Override("X"), ValueMap/Values (properties, parameters, methods = return values);
  In, Out (parameters: In is true unless In(false) is written; Out alone makes it in and out);
  Required on a parameter (broker refuses calls without it), Static (methods).
  A property that a subclass writes again replaces the inherited one (write Override("Name"));
  qualifiers it does not repeat are inherited, as are those of methods. An overriding method must
  repeat all its parameters.
  Each qualifier must be declared in qualifiers.mof; each class needs only those it uses.

CONSTANTS in schema-gen.h, one enum for each ValueMap of integers with Values:
  property     <Class>_<Property>_<Value>             CIM_ConcreteJob_JobState_Completed = 7
  return value <Class>_<Method>_<Value>               RPL_X_CreateGroup_Success = 0
  parameter    <Class>_<Method>_<Parameter>_<Value>
  <Class> is the class that declares it; characters of Value that C cannot take become one "_",
  ranges such as "8..0x7FFF" or ".." are left out.
"""

import argparse
import re
import sys

TYPES = {
    "boolean": "CIM_BOOLEAN", "uint8": "CIM_UINT8", "uint16": "CIM_UINT16",
    "uint32": "CIM_UINT32", "uint64": "CIM_UINT64", "sint8": "CIM_SINT8",
    "sint16": "CIM_SINT16", "sint32": "CIM_SINT32", "sint64": "CIM_SINT64",
    "real32": "CIM_REAL32", "real64": "CIM_REAL64", "char16": "CIM_CHAR16",
    "string": "CIM_STRING", "datetime": "CIM_DATETIME",
}
TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<pragma>\#pragma[^\n]*)
  | (?P<str>"(?:\\.|[^"\\])*")
  | (?P<chr>'(?:\\.|[^'\\])')
  | (?P<num>[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))
  | (?P<id>[A-Za-z_]\w*)
  | (?P<punct>[\[\](){}:;,=])
""", re.X | re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class MofError(Exception):
    pass


def tokenize(name, text):
    """List of (kind, value, line); strings are unescaped, adjacent ones stay separate."""
    out, pos, line = [], 0, 1
    while pos < len(text):
        m = TOKEN.match(text, pos)
        if not m:
            raise MofError(f"{name}:{line}: cannot read {text[pos:pos + 20]!r}")
        kind, val = m.lastgroup, m.group()
        if kind == "pragma":
            ns = re.fullmatch(r'#pragma\s+namespace\s*\(\s*"([^"]*)"\s*\)\s*', val)
            kind, val = ("namespace", ns[1]) if ns else ("skip", val)
        if kind == "str":
            if "\n" in val:
                raise MofError(f"{name}:{line}: a string goes over the end of its line")
            val = re.sub(r"\\(.)", lambda e: ESCAPES.get(e[1], e[1]), val[1:-1])
        if kind != "skip":
            out.append((kind, val, line))
        line += m.group().count("\n")
        pos = m.end()
    out.append(("eof", "", line))
    return out


class Parser:
    """Recursive descent over one file; results go to the shared schema."""

    def __init__(self, name, text, schema):
        self.name, self.toks, self.i, self.schema = name, tokenize(name, text), 0, schema
        self.interop = False

    def fail(self, what):
        raise MofError(f"{self.name}:{self.toks[self.i][2]}: {what}")

    def peek(self, k=0):
        return self.toks[min(self.i + k, len(self.toks) - 1)]

    def word(self, k=0):
        return self.peek(k)[1].lower() if self.peek(k)[0] == "id" else ""

    def next(self):
        self.i += 1
        return self.toks[self.i - 1]

    def accept(self, punct):
        if self.peek()[:2] == ("punct", punct):
            self.i += 1
            return True
        return False

    def expect(self, punct):
        if not self.accept(punct):
            self.fail(f"expected '{punct}', found '{self.peek()[1]}'")

    def ident(self):
        if self.peek()[0] != "id":
            self.fail(f"expected a name, found '{self.peek()[1]}'")
        return self.next()[1]

    def scalar(self):
        kind, val, _ = self.next()
        if kind == "str":
            while self.peek()[0] == "str":
                val += self.next()[1]
            return val
        if kind == "num":
            return str(int(val, 16)) if val.lower().lstrip("+-").startswith("0x") else val
        if kind == "chr":
            return val[1:-1]
        if kind == "id" and val.lower() in ("true", "false"):
            return val.upper()
        if kind == "id" and val.lower() == "null":
            return None
        self.i -= 1
        self.fail(f"expected a value, found '{val}'")

    def values(self, end):
        out = []
        if self.accept(end):
            return out
        while True:
            out.append(self.scalar())
            if self.accept(end):
                return out
            self.expect(",")

    def qualifiers(self):
        """[A, B("x"), C{"y"}] -> {lower name: (name, [text values])}"""
        out = {}
        if not self.accept("["):
            return out
        while True:
            name = self.ident()
            vals = ["TRUE"]
            if self.accept("("):
                vals = self.values(")")
                if len(vals) != 1:
                    self.fail(f"qualifier {name} in () has one value")
            elif self.accept("{"):
                vals = self.values("}")
            if self.accept(":"):
                while self.word():
                    self.ident()
            qtype = self.schema.qualtypes.get(name.lower())
            if not qtype:
                self.fail(f"qualifier {name} is not declared")
            out[name.lower()] = (qtype, vals)
            if self.accept("]"):
                return out
            self.expect(",")

    def typed(self):
        """'uint16' | 'CIM_X REF' -> (type, ref class)"""
        name = self.ident()
        if self.word() == "ref":
            self.ident()
            return "CIM_REFERENCE", name
        if name.lower() not in TYPES:
            self.fail(f"unknown type {name}")
        return TYPES[name.lower()], None

    def array(self):
        if not self.accept("["):
            return False
        if self.peek()[0] == "num":
            self.next()
        self.expect("]")
        return True

    def default(self):
        if not self.accept("="):
            return None
        if self.accept("{"):
            vals = self.values("}")
            return "\n".join(v for v in vals if v is not None)
        return self.scalar()

    def qualtype(self):
        q = {"name": self.ident()}
        self.expect(":")
        q["type"], _ = self.typed()
        q["array"] = self.array()
        q["default"] = self.default()
        q["scopes"], q["flavors"] = "ANY", []
        while self.accept(","):
            what = self.ident().lower()
            self.expect("(")
            names = [self.ident()]
            while self.accept(","):
                names.append(self.ident())
            self.expect(")")
            if what == "scope":
                q["scopes"] = " ".join(n.upper() for n in names)
            else:
                q["flavors"] = [n.lower() for n in names]
        self.expect(";")
        self.schema.qualtypes[q["name"].lower()] = q

    def parameter(self):
        p = {"quals": self.qualifiers()}
        p["type"], p["ref"] = self.typed()
        p["name"] = self.ident()
        p["array"] = self.array()
        return p

    def feature(self, cls):
        f = {"quals": self.qualifiers()}
        f["type"], f["ref"] = self.typed()
        f["name"] = self.ident()
        if self.accept("("):
            f["params"] = []
            while not self.accept(")"):
                f["params"].append(self.parameter())
                if self.peek()[:2] != ("punct", ")"):
                    self.expect(",")
            cls["methods"].append(f)
        else:
            f["array"] = self.array()
            f["default"] = self.default()
            cls["props"].append(f)
        self.expect(";")

    def klass(self, quals):
        cls = {"quals": quals, "name": self.ident(), "super": None, "props": [], "methods": [],
               "interop": self.interop}
        if self.accept(":"):
            cls["super"] = self.ident()
        self.expect("{")
        while not self.accept("}"):
            self.feature(cls)
        self.expect(";")
        if cls["name"].lower() in self.schema.classes:
            self.fail(f"class {cls['name']} is declared twice")
        self.schema.classes[cls["name"].lower()] = cls

    def namespace(self):
        if self.peek()[1] not in ("", "interop"):
            self.fail(f"namespace {self.peek()[1]} has no classes of its own")
        self.interop = self.next()[1] == "interop"

    def parse(self):
        while self.peek()[0] != "eof":
            if self.peek()[0] == "namespace":
                self.namespace()
                continue
            if self.word() == "qualifier" and self.peek(1)[0] == "id" and self.peek(2)[1] == ":":
                self.ident()
                self.qualtype()
                continue
            quals = self.qualifiers()
            if self.word() != "class":
                self.fail(f"expected a class, found '{self.peek()[1]}'")
            self.ident()
            self.klass(quals)


class Schema:
    def __init__(self):
        self.qualtypes, self.classes = {}, {}

    def ordered(self):
        """Superclasses first, else in the order of the files."""
        out, done = [], set()

        def add(cls, below):
            key = cls["name"].lower()
            if key in done:
                return
            if key in below:
                raise MofError(f"class {cls['name']} is its own superclass")
            if cls["super"]:
                sup = self.classes.get(cls["super"].lower())
                if not sup:
                    raise MofError(f"{cls['name']}: superclass {cls['super']} is missing")
                add(sup, below | {key})
                cls["super"] = sup["name"]
            done.add(key)
            out.append(cls)

        for cls in self.classes.values():
            add(cls, frozenset())
        return out

    def resolve(self, where, name):
        cls = self.classes.get(name.lower())
        if not cls:
            raise MofError(f"{where}: class {name} is missing")
        return cls["name"]

    def check(self):
        for cls in self.ordered():
            seen = set()
            for f in cls["props"] + cls["methods"]:
                where = f"{cls['name']}.{f['name']}"
                if f["name"].lower() in seen:
                    raise MofError(f"{where} is declared twice")
                seen.add(f["name"].lower())
                for item in [f] + f.get("params", []):
                    self.check_item(where, item)

    def check_item(self, where, item):
        if item["ref"]:
            item["ref"] = self.resolve(where, item["ref"])
        if "embeddedinstance" in item["quals"]:
            qtype, vals = item["quals"]["embeddedinstance"]
            if not vals or not vals[0]:
                raise MofError(f"{where}: EmbeddedInstance names no class")
            item["quals"]["embeddedinstance"] = (qtype, [self.resolve(where, vals[0])])
        qm, qv = (item["quals"].get(q, (None, None))[1] for q in ("valuemap", "values"))
        if None in (qm or []) + (qv or []):
            raise MofError(f"{where}: NULL in ValueMap or Values")
        if qm and qv and len(qm) != len(qv):
            raise MofError(f"{where}: {len(qm)} ValueMap entries but {len(qv)} Values")


FLAVORS = {"disableoverride": "CIM_QUAL_DISABLE_OVERRIDE", "restricted": "CIM_QUAL_RESTRICTED",
           "translatable": "CIM_QUAL_TRANSLATABLE"}


def flag(item, name, dflt=False):
    q = item["quals"].get(name)
    return q[1] == ["TRUE"] if q else dflt


def cstr(s):
    if s is None:
        return "NULL"
    out = ""
    for c in s.encode():
        ch = chr(c)
        if ch in '"\\':
            out += "\\" + ch
        elif ch == "\n":
            out += "\\n"
        elif ch == "?" or not 32 <= c < 127:
            out += f"\\{c:03o}"
        else:
            out += ch
    return f'"{out}"'


def cbool(b):
    return "true" if b else "false"


class Writer:
    """Tables of one schema. Equal qualifier lists are written once."""

    def __init__(self, schema, source):
        self.schema, self.source = schema, source
        self.out, self.lists, self.strings = [], {}, {}

    def strlist(self, vals):
        vals = tuple(vals)
        if vals not in self.strings:
            name = f"s{len(self.strings)}"
            self.strings[vals] = name
            body = "".join(f"\t{cstr(v)},\n" for v in vals)
            self.out.append(f"static const char *const {name}[] = {{\n{body}}};\n")
        return self.strings[vals]

    def quals(self, item):
        rows = []
        for q, vals in item["quals"].values():
            lst = self.strlist(vals) if vals else "NULL"
            flavors = " | ".join(c for f, c in FLAVORS.items() if f in q["flavors"]) or "0"
            rows.append(f"\t{{ {cstr(q['name'])}, {q['type']}, {cbool(q['array'])}, {lst}, "
                        f"{len(vals)}, {flavors} }},\n")
        if not rows:
            return "NULL, 0"
        key = "".join(rows)
        if key not in self.lists:
            name = f"q{len(self.lists)}"
            self.lists[key] = name
            self.out.append(f"static const struct cim_qual_decl {name}[] = {{\n{key}}};\n")
        return f"{self.lists[key]}, {len(rows)}"

    @staticmethod
    def embedded(item):
        if "embeddedinstance" in item["quals"]:
            return cstr(item["quals"]["embeddedinstance"][1][0])
        return '""' if flag(item, "embeddedobject") else "NULL"

    def params(self, sym, m):
        rows = []
        for p in m["params"]:
            rows.append(
                f"\t{{ {cstr(p['name'])}, {p['type']}, {cbool(p['array'])}, "
                f"{cbool(flag(p, 'in', True))}, {cbool(flag(p, 'out'))}, "
                f"{cbool(flag(p, 'required'))},\n\t  {cstr(p['ref'])}, {self.embedded(p)}, "
                f"{self.quals(p)} }},\n")
        if not rows:
            return "NULL, 0"
        self.out.append(f"static const struct cim_param_decl {sym}[] = {{\n{''.join(rows)}}};\n")
        return f"{sym}, {len(rows)}"

    def klass(self, cls):
        name = cls["name"]
        props = [
            f"\t{{ {cstr(p['name'])}, {p['type']}, {cbool(p['array'])}, {cbool(flag(p, 'key'))}, "
            f"{cbool(flag(p, 'required'))}, {cbool(flag(p, 'write'))},\n\t  {cstr(p['ref'])}, "
            f"{self.embedded(p)}, {cstr(p['default'])}, {self.quals(p)} }},\n"
            for p in cls["props"]]
        methods = [
            f"\t{{ {cstr(m['name'])}, {m['type']}, {cbool(flag(m, 'static'))}, "
            f"{self.params(name + '_' + m['name'], m)}, {self.quals(m)} }},\n"
            for m in cls["methods"]]
        plist = mlist = "NULL, 0"
        if props:
            self.out.append(f"static const struct cim_prop_decl {name}_props[] = {{\n"
                            f"{''.join(props)}}};\n")
            plist = f"{name}_props, {len(props)}"
        if methods:
            self.out.append(f"static const struct cim_method_decl {name}_methods[] = {{\n"
                            f"{''.join(methods)}}};\n")
            mlist = f"{name}_methods, {len(methods)}"
        return (f"\t{{ {cstr(name)}, {cstr(cls['super'])}, {cbool(flag(cls, 'abstract'))}, "
                f"{cbool(self.is_assoc(cls))}, {cbool(cls['interop'])},\n\t  {plist}, {mlist}, "
                f"{self.quals(cls)} }},\n")

    def is_assoc(self, cls):
        while cls:
            if flag(cls, "association"):
                return True
            cls = self.schema.classes.get((cls["super"] or "").lower())
        return False

    def c_file(self, header):
        rows = [self.klass(c) for c in self.schema.ordered()]
        qt = "".join(
            f"\t{{ {cstr(q['name'])}, {q['type']}, {cbool(q['array'])}, {cstr(q['default'])}, "
            f"{cstr(q['scopes'])},\n\t  {cbool('disableoverride' not in q['flavors'])}, "
            f"{cbool('restricted' not in q['flavors'])}, "
            f"{cbool('translatable' in q['flavors'])} }},\n"
            for q in sorted(self.schema.qualtypes.values(), key=lambda q: q["name"]))
        body = "\n".join(self.out)
        return (f'{header}#include "cim/schema.h"\n\n{body}\n'
                f"static const struct cim_class_decl classes[] = {{\n{''.join(rows)}}};\n\n"
                f"static const struct cim_qualtype_decl qualtypes[] = {{\n{qt}}};\n\n"
                "const struct cim_schema cim_schema = {\n"
                "\tclasses, sizeof(classes) / sizeof(classes[0]),\n"
                "\tqualtypes, sizeof(qualtypes) / sizeof(qualtypes[0]),\n};\n")


def enum_of(prefix, item):
    vm, vals = (item["quals"].get(q, (None, None))[1] for q in ("valuemap", "values"))
    if not vm or not vals or item["type"] == "CIM_STRING":
        return ""
    rows, seen = [], set()
    for num, text in zip(vm, vals):
        if not re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|\d+)", num):
            continue
        name = prefix + "_" + (re.sub(r"\W+", "_", text).strip("_") or num)
        if name in seen:
            name += "_" + num
        seen.add(name)
        rows.append(f"\t{name} = {num},\n")
    return f"enum {{\n{''.join(rows)}}};\n\n" if rows else ""


def h_file(schema, header):
    out = header + "#ifndef SCHEMA_SCHEMA_GEN_H\n#define SCHEMA_SCHEMA_GEN_H\n\n"
    for cls in schema.ordered():
        for f in cls["props"] + cls["methods"]:
            prefix = f"{cls['name']}_{f['name']}"
            out += enum_of(prefix, f)
            for p in f.get("params", []):
                out += enum_of(f"{prefix}_{p['name']}", p)
    return out + "#endif\n"


def main():
    ap = argparse.ArgumentParser(description="MOF to C tables")
    ap.add_argument("-o", dest="out", required=True, help="output, without .c and .h")
    ap.add_argument("mof", nargs="+")
    args = ap.parse_args()
    schema = Schema()
    # qualifier declarations first, wherever the shell sorted them
    files = sorted(args.mof, key=lambda f: not f.endswith("qualifiers.mof"))
    try:
        for name in files:
            with open(name, encoding="utf-8") as f:
                Parser(name, f.read(), schema).parse()
        schema.check()
        header = ("// SPDX-License-Identifier: GPL-2.0-or-later\n"
                  "/* GENERATED by gen/mofgen.py from "
                  + "the .mof files of agent/schema"
                  + "; do not edit. */\n\n")
        text_c, text_h = Writer(schema, files).c_file(header), h_file(schema, header)
    except MofError as e:
        sys.exit(f"mofgen: {e}")
    for name, text in ((args.out + ".c", text_c), (args.out + ".h", text_h)):
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
