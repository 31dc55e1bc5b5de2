#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gen/mofgen.py: mistakes in MOF are said with their place; what is right becomes tables. TAP."""
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
QUALIFIERS = TOP / "agent/schema/qualifiers.mof"

BAD = {
    "no semicolon": ("class CIM_A { string X; }", "expected ';'"),
    "unknown type": ("class CIM_A { text X; };", "a.mof:1: unknown type text"),
    "unknown qualifier": ("[Shiny] class CIM_A { };", "qualifier Shiny is not declared"),
    "missing superclass": ("class CIM_A : CIM_B { };", "superclass CIM_B is missing"),
    "a loop": ("class CIM_A : CIM_B { };\nclass CIM_B : CIM_A { };", "its own superclass"),
    "class twice": ("class CIM_A { };\nclass cim_a { };", "a.mof:2: class cim_a is declared twice"),
    "property twice": ("class CIM_A { string X; string x; };", "CIM_A.x is declared twice"),
    "reference to nothing": ("class CIM_A { CIM_B REF X; };", "CIM_A.X: class CIM_B is missing"),
    "embedded nothing": ('class CIM_A { [EmbeddedInstance("CIM_B")] string X; };',
                         "CIM_A.X: class CIM_B is missing"),
    "embedded NULL": ("class CIM_A { [EmbeddedInstance(NULL)] string X; };",
                      "CIM_A.X: EmbeddedInstance names no class"),
    "NULL in a value map": ('class CIM_A { [ValueMap{NULL}, Values{"a"}] uint8 X; };',
                            "CIM_A.X: NULL in ValueMap"),
    "uneven value map": ('class CIM_A { [ValueMap{"1"}, Values{"a","b"}] uint8 X; };',
                         "1 ValueMap entries but 2 Values"),
    "a stray character": ("class CIM_A { string X; };\n$", "a.mof:2: cannot read"),
    "a string over two lines": ('class CIM_A { };\n[Description("a\n  b")] class CIM_B { };',
                                "a.mof:2: a string goes over the end of its line"),
    "no class": ("instance of CIM_A { };", "expected a class"),
    "another namespace": ('\n#pragma namespace ("root/x")\nclass CIM_A { };',
                          "a.mof:2: namespace root/x has no classes of its own"),
    "a namespace inside a class": ('class CIM_A {\n#pragma namespace ("interop")\n};',
                                   "a.mof:2: expected a name"),
}

GOOD = """// comment
#pragma locale("en_US")
#pragma namespace ("interop")
class CIM_I { };
#pragma namespace ("")
[Abstract, Description("a " "b"), Version ( "1.0" )]
class CIM_A { [Key] string ID; };
/* more */
[Association] class RPL_B : CIM_A {
	[ValueMap{"0", "2..5", "0x10"}, Values{"a b", "range", "c-d"}] uint16 State[] = { 1, 2 };
	CIM_A REF Other;
	[Static] uint32 Do([Required] uint64 Size, [In(false), Out] CIM_A REF Made[]);
};
"""


def generate(text):
    with tempfile.TemporaryDirectory() as d:
        mof = pathlib.Path(d, "a.mof")
        mof.write_text(text)
        r = subprocess.run([sys.executable, TOP / "gen/mofgen.py", "-o", f"{d}/out", QUALIFIERS, mof],
                           capture_output=True, text=True, check=False)
        out = {e: pathlib.Path(d, "out" + e).read_text() for e in (".c", ".h")
               if pathlib.Path(d, "out" + e).exists()}
        return r.returncode, r.stderr, out


def refuses(text, want):
    status, err, out = generate(text)
    return status == 1 and want in err and not out


def tables():
    status, _, out = generate(GOOD)
    return (status == 0 and '"a b"' in out[".c"] and "RPL_B_State_a_b = 0" in out[".h"] and
            "RPL_B_State_c_d = 0x10" in out[".h"] and "range" not in out[".h"] and
            '{ "CIM_I", NULL, false, false, true,' in out[".c"] and
            '{ "CIM_A", NULL, true, false, false,' in out[".c"] and
            '{ "RPL_B", "CIM_A", false, true, false,' in out[".c"] and '"Made", CIM_REFERENCE, true, false, '
            'true, false' in out[".c"])


def main():
    cases = [(f"mofgen: {name} is refused", lambda b=bad: refuses(*b)) for name, bad in BAD.items()]
    cases.append(("mofgen: tables and constants", tables))
    print(f"1..{len(cases)}")
    failed = 0
    for i, (name, fn) in enumerate(cases, 1):
        good = fn()
        failed += not good
        print(f"{'ok' if good else 'not ok'} {i} - {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
