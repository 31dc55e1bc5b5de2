#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Generate everything that follows from uapi/dm-replica.yaml.

The input is the kernel's own netlink-spec format (genetlink-c). The output runs on Linux 6.1 and
newer: struct genl_ops instead of split ops, u64 with a pad attribute instead of uint.

    gen/nlgen.py            write the files
    gen/nlgen.py --check    exit 1 if a committed file differs from what would be written
"""
import argparse
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEC = "uapi/dm-replica.yaml"
NOTE = f"Generated from {SPEC} by gen/nlgen.py (make gen), do not edit."
DOC_BEGIN = f"<!-- begin: generated from {SPEC} by gen/nlgen.py -->"
DOC_END = "<!-- end: generated -->"
SCALARS = {"u32": "uint32_t", "u64": "uint64_t"}
MULTI_MAX = 16


def low(name):
    return name.replace("-", "_")


def up(name):
    return low(name).upper()


class Spec:
    """The YAML, with names resolved and checked."""

    def __init__(self, path):
        y = yaml.safe_load(path.read_text())
        self.y = y
        self.name = y["name"]
        self.family = up(y["c-family-name"])
        self.version = up(y["c-version-name"])
        self.consts = [d for d in y["definitions"] if d["type"] == "const"]
        self.enums = {d["name"]: d for d in y["definitions"] if d["type"] != "const"}
        self.sets = {s["name"]: s for s in y["attribute-sets"]}
        self.ops = y["operations"]["list"]
        self.groups = y["mcast-groups"]["list"]
        for s in self.sets.values():
            s["by-name"] = {a["name"]: a for a in s["attributes"]}
            for nr, a in enumerate(s["attributes"], 1):
                a["nr"] = nr
                a["c"] = up(s["name-prefix"] + a["name"])
                if "enum" in a and a["enum"] not in self.enums:
                    sys.exit(f"{s['name']}.{a['name']}: no enum {a['enum']}")
        for nr, op in enumerate(self.ops, 1):
            op["nr"] = nr
            op["c"] = up(y["operations"]["name-prefix"] + op["name"])
            for mode, part in self.parts(op):
                for a in part["attributes"]:
                    if a not in self.attr_set(op)["by-name"]:
                        sys.exit(f"{op['name']} {mode}: no attribute {a}")

    @staticmethod
    def parts(op):
        return [(f"{m} {d}", op[m][d]) for m in ("do", "dump") if m in op
                for d in ("request", "reply") if d in op[m]]

    def attr_set(self, op):
        if "notify" in op:
            op = next(o for o in self.ops if o["name"] == op["notify"])
        return self.sets[op["attribute-set"]]

    def request_attrs(self, op):
        """Attributes of the requests, do and dump together, in the order of the set."""
        names = set()
        for m in ("do", "dump"):
            names.update(op.get(m, {}).get("request", {}).get("attributes", []))
        return [a for a in self.attr_set(op)["attributes"] if a["name"] in names]

    def reply_attrs(self, op):
        names = op["do"]["reply"]["attributes"]
        return [a for a in self.attr_set(op)["attributes"] if a["name"] in names]

    @staticmethod
    def set_max(s):
        return up(s["name-prefix"] + "max")

    @staticmethod
    def entries(enum):
        """(C name, word, value, doc) of each entry."""
        value = enum.get("value-start", 0)
        for e in enum["entries"]:
            e = {"name": e} if isinstance(e, str) else e
            shown = 1 << value if enum["type"] == "flags" else value
            yield up(enum["name-prefix"] + e["name"]), e["name"], shown, e.get("doc")
            value += 1

    def length(self, value):
        """A length is a number or the name of a constant."""
        for c in self.consts:
            if c["name"] == value:
                return up(c["name-prefix"] + c["name"])
        return str(value)


class Out:
    """Lines of one file."""

    def __init__(self, *lines):
        self.lines = list(lines)

    def __call__(self, *lines):
        self.lines += lines or [""]

    def text(self):
        return "\n".join(self.lines) + "\n"


def c_head(licence, header, *about):
    first = f"/* SPDX-License-Identifier: {licence} */" if header else \
        f"// SPDX-License-Identifier: {licence}"
    body = [f" * {line}" for line in about]
    return [first, "/*", f" * {NOTE}", *([" *"] if body else []), *body, " */"]


def gen_uapi(sp):
    o = Out(*c_head("GPL-2.0-only WITH Linux-syscall-note", True))
    o("#ifndef _UAPI_LINUX_DM_REPLICA_H", "#define _UAPI_LINUX_DM_REPLICA_H", "")
    o(f'#define {sp.family}\t"{sp.name}"', f"#define {sp.version}\t1", "")
    for c in sp.consts:
        o(f"#define {up(c['name-prefix'] + c['name'])}\t{c['value']}")
    for e in sp.enums.values():
        o("", "/**", f" * enum {low(e['enum-name'])} - {e['doc']}")
        o(*[f" * @{c}: {doc}" for c, _, _, doc in sp.entries(e) if doc], " */")
        o(f"enum {low(e['enum-name'])} {{")
        start = e.get("value-start", 0)
        for i, (c, _, value, _) in enumerate(sp.entries(e)):
            explicit = e["type"] == "flags" or (i == 0 and start)
            o(f"\t{c} = {value}," if explicit else f"\t{c},")
        if e.get("render-max"):
            p = up(e["name-prefix"])
            o("", "\t/* private: */", f"\t__{p}MAX,", f"\t{p}MAX = (__{p}MAX - 1)")
        o("};")
    for s in sp.sets.values():
        o("", f"enum {low(s['enum-name'])} {{")
        for i, a in enumerate(s["attributes"]):
            o(f"\t{a['c']}{' = 1' if i == 0 else ''},")
        p = up(s["name-prefix"])
        o("", f"\t__{p}MAX,", f"\t{p}MAX = (__{p}MAX - 1)", "};")
    o("", f"enum {low(sp.y['operations']['enum-name'])} {{")
    for i, op in enumerate(sp.ops):
        o(f"\t{op['c']}{' = 1' if i == 0 else ''},")
    p = up(sp.y["operations"]["name-prefix"])
    o("", f"\t__{p}MAX,", f"\t{p}MAX = (__{p}MAX - 1)", "};", "")
    for g in sp.groups:
        o(f'#define {up(g["c-define-name"])}\t"{g["name"]}"')
    o("", "#endif /* _UAPI_LINUX_DM_REPLICA_H */")
    return o.text()


def policy_entry(sp, a):
    checks = a.get("checks", {})
    t = a["type"]
    if t == "flag":
        return "{ .type = NLA_FLAG, }"
    if t == "nest":
        return f"NLA_POLICY_NESTED(rpl_nl_{low(a['nested-attributes'])}_policy)"
    if t == "binary":
        return f"NLA_POLICY_EXACT_LEN({sp.length(checks['exact-len'])})"
    if t == "string":
        return f"{{ .type = NLA_NUL_STRING, .len = {sp.length(checks['max-len'])}, }}"
    if "enum" in a:
        e = sp.enums[a["enum"]]
        if a.get("enum-as-flags"):
            mask = sum(v for _, _, v, _ in sp.entries(e))
            return f"NLA_POLICY_MASK(NLA_{t.upper()}, 0x{mask:x})"
        values = [v for _, _, v, _ in sp.entries(e)]
        return f"NLA_POLICY_RANGE(NLA_{t.upper()}, {min(values)}, {max(values)})"
    if "min" in checks and "max" in checks:
        return f"NLA_POLICY_RANGE(NLA_{t.upper()}, {checks['min']}, {checks['max']})"
    return f"{{ .type = NLA_{t.upper()}, }}"


def nests(sp):
    """Attribute sets nested in a request."""
    return [sp.sets[a["nested-attributes"]] for op in sp.ops if "notify" not in op
            for a in sp.request_attrs(op) if a["type"] == "nest"]


def handlers(op):
    base = f"rpl_nl_{low(op['name'])}"
    if "do" in op:
        yield "doit", f"int {base}_doit(struct sk_buff *skb, struct genl_info *info);"
    if "dump" in op:
        yield "dumpit", f"int {base}_dumpit(struct sk_buff *skb, struct netlink_callback *cb);"


def real_ops(sp):
    return [op for op in sp.ops if "notify" not in op and "event" not in op]


def gen_kernel_h(sp):
    o = Out(*c_head("GPL-2.0-only", True,
                    "Policies and the table of operations. The handlers are in nl.c."))
    o("#ifndef RPL_NL_GEN_H", "#define RPL_NL_GEN_H", "")
    o("#include <net/genetlink.h>", "#include <net/netlink.h>", "#include <linux/dm-replica.h>", "")
    for s in nests(sp):
        o(f"extern const struct nla_policy rpl_nl_{low(s['name'])}_policy[{sp.set_max(s)} + 1];")
    o("")
    for op in real_ops(sp):
        o(*[proto for _, proto in handlers(op)])
    o("", "enum {", *[f"\tRPL_NLGRP_{up(g['name'])}," for g in sp.groups], "};", "")
    o(f"extern const struct genl_ops rpl_nl_ops[{len(real_ops(sp))}];")
    o(f"extern const struct genl_multicast_group rpl_nl_mcgrps[{len(sp.groups)}];")
    o("", "#endif /* RPL_NL_GEN_H */")
    return o.text()


def gen_kernel_c(sp):
    o = Out(*c_head("GPL-2.0-only", False))
    o('#include "nl-gen.h"')
    for s in nests(sp):
        o("", f"const struct nla_policy rpl_nl_{low(s['name'])}_policy[{sp.set_max(s)} + 1] = {{")
        o(*[f"\t[{a['c']}] = {policy_entry(sp, a)}," for a in s["attributes"]], "};")
    for op in real_ops(sp):
        attrs = sp.request_attrs(op)
        o("", f"static const struct nla_policy {low(op['name'])}_policy[{attrs[-1]['c']} + 1] = {{")
        o(*[f"\t[{a['c']}] = {policy_entry(sp, a)}," for a in attrs], "};")
    o("", f"const struct genl_ops rpl_nl_ops[{len(real_ops(sp))}] = {{")
    for op in real_ops(sp):
        o("\t{", f"\t\t.cmd = {op['c']},")
        o(*[f"\t\t.{slot} = rpl_nl_{low(op['name'])}_{slot}," for slot, _ in handlers(op)])
        o(f"\t\t.policy = {low(op['name'])}_policy,")
        o(f"\t\t.maxattr = {sp.request_attrs(op)[-1]['c']},")
        if "admin-perm" in op.get("flags", []):
            o("\t\t.flags = GENL_ADMIN_PERM,")
        o("\t},")
    o("};", "", f"const struct genl_multicast_group rpl_nl_mcgrps[{len(sp.groups)}] = {{")
    o(*[f"\t[RPL_NLGRP_{up(g['name'])}] = {{ .name = {up(g['c-define-name'])}, }},"
        for g in sp.groups], "};")
    return o.text()


def gen_names_h(sp, licence, guard, uapi):
    o = Out(*c_head(licence, True, "The words for enum values: the same in the kernel and outside."))
    o(f"#ifndef {guard}", f"#define {guard}", "", f"#include {uapi}", "")
    for e in sp.enums.values():
        n = low(e["enum-name"])
        if e["type"] == "enum":
            o(f"const char *{n}_name(unsigned int value); /* \"unknown\" outside the enum */")
            o(f"int {n}_by_name(const char *word); /* value, or -1 */")
    o("", f"#endif /* {guard} */")
    return o.text()


def gen_names_c(sp, licence, header, string_h):
    o = Out(*c_head(licence, False))
    o(f"#include {string_h}", f'#include "{header}"', "")
    o("static const char *name_of(const char *const *names, unsigned int nr, unsigned int value)", "{")
    o('\treturn value < nr && names[value] ? names[value] : "unknown";', "}", "")
    o("static int by_name(const char *const *names, unsigned int nr, const char *word)", "{")
    o("\tunsigned int i;", "", "\tfor (i = 0; i < nr; i++)")
    o("\t\tif (names[i] && !strcmp(names[i], word))", "\t\t\treturn i;", "\treturn -1;", "}")
    for e in sp.enums.values():
        if e["type"] != "enum":
            continue
        n, count = low(e["enum-name"]), up(e["name-prefix"]) + "MAX + 1"
        o("", f"static const char *const {n}_names[{count}] = {{")
        o(*[f'\t[{c}] = "{word}",' for c, word, _, _ in sp.entries(e)], "};", "")
        o(f"const char *{n}_name(unsigned int value)", "{")
        o(f"\treturn name_of({n}_names, {count}, value);", "}", "")
        o(f"int {n}_by_name(const char *word)", "{")
        o(f"\treturn by_name({n}_names, {count}, word);", "}")
    return o.text()


def c_member(sp, a, decoded):
    """Declaration of one attribute in a user-space struct."""
    n, t = low(a["name"]), a["type"]
    if t in SCALARS:
        return f"\t{SCALARS[t]} {n};"
    if t == "flag":
        return f"\tbool {n};"
    if t == "binary":
        return f"\tuint8_t {n}[{sp.length(a['checks']['exact-len'])}];"
    if t == "string":
        return f"\tchar {n}[{sp.length(a['checks']['max-len'])} + 1];"
    nested = low(a["nested-attributes"])
    if decoded:
        return f"\tunsigned int nr_{n};\n\tstruct rpl_msg_{nested} {n}[{MULTI_MAX}];"
    return f"\tunsigned int nr_{n};\n\tconst struct rpl_req_{nested} *{n};"


def reply_sets(sp):
    """(name of the set, attributes in replies) of each set that a reply or its nests use."""
    done = {}
    for op in real_ops(sp):
        s = sp.attr_set(op)
        for a in sp.reply_attrs(op):
            if a["type"] == "nest":
                n = sp.sets[a["nested-attributes"]]
                done.setdefault(n["name"], n["attributes"])
        names = {a["name"] for a in sp.reply_attrs(op)}
        names |= {a["name"] for a in done.get(s["name"], [])}
        done.pop(s["name"], None)
        done[s["name"]] = [a for a in s["attributes"] if a["name"] in names]
    return done


def gen_user_h(sp):
    o = Out(*c_head("GPL-2.0-or-later", True,
                    "What the kernel says (rpl_msg_*, decoded) and what is asked (rpl_req_*, encoded).",
                    "`has` is a bit mask: RPL_HAS(msg, RPL_A_RELATION_ETA). An attribute of a newer",
                    "kernel is ignored, a known one of the wrong length is -EBADMSG. In a request a",
                    "scalar or uuid is sent if its bit in `has` is set (RPL_SET)."))
    o("#ifndef RPL_NL_GEN_H", "#define RPL_NL_GEN_H", "")
    o("#include <stdbool.h>", "#include <stdint.h>", '#include "../../uapi/linux/dm-replica.h"', "")
    o("struct nl_msg;", "struct nlmsghdr;", "")
    o("#define RPL_HAS(msg, attr) (((msg)->has >> (attr)) & 1)")
    o("#define RPL_SET(req, attr) ((req)->has |= UINT64_C(1) << (attr))")
    for name, attrs in reply_sets(sp).items():
        o("", f"struct rpl_msg_{low(name)} {{", "\tuint64_t has;")
        o(*[c_member(sp, a, True) for a in attrs], "};")
    for s in nests(sp):
        o("", f"struct rpl_req_{low(s['name'])} {{", "\tuint64_t has;")
        o(*[c_member(sp, a, False) for a in s["attributes"]], "};")
    for op in real_ops(sp):
        o("", f"struct rpl_req_{low(op['name'])} {{", "\tuint64_t has;")
        o(*[c_member(sp, a, False) for a in sp.request_attrs(op)], "};")
    o("", "/* 0 or -EMSGSIZE. The generic netlink header is already in the message. */")
    for op in real_ops(sp):
        n = low(op["name"])
        o(f"int rpl_encode_{n}(struct nl_msg *msg, const struct rpl_req_{n} *req);")
    o("", "/* 0 or -EBADMSG. *out is written in any case. */")
    tops = {sp.attr_set(op)["name"] for op in real_ops(sp)}
    for name in reply_sets(sp):
        if name in tops:
            o(f"int rpl_decode_{low(name)}(struct nlmsghdr *nlh, struct rpl_msg_{low(name)} *out);")
    o("", "#endif /* RPL_NL_GEN_H */")
    return o.text()


def encode_one(a):
    n, t, c = low(a["name"]), a["type"], a["c"]
    if t == "flag":
        return [f"\tif (req->{n})", f"\t\tNLA_PUT_FLAG(msg, {c});"]
    if t == "nest":
        nested = low(a["nested-attributes"])
        return [f"\tfor (unsigned int i = 0; i < req->nr_{n}; i++)",
                f"\t\tif (put_{nested}(msg, {c}, &req->{n}[i]) < 0)",
                "\t\t\tgoto nla_put_failure;"]
    put = {"u32": f"NLA_PUT_U32(msg, {c}, req->{n})", "u64": f"NLA_PUT_U64(msg, {c}, req->{n})",
           "binary": f"NLA_PUT(msg, {c}, sizeof(req->{n}), req->{n})",
           "string": f"NLA_PUT_STRING(msg, {c}, req->{n})"}[t]
    return [f"\tif (RPL_HAS(req, {c}))", f"\t\t{put};"]


def decode_one(a):
    n, t, c = low(a["name"]), a["type"], a["c"]
    o = [f"\t\tcase {c}:"]
    if t == "nest":
        nested = low(a["nested-attributes"])
        o += [f"\t\t\tif (out->nr_{n} >= {MULTI_MAX} ||",
              f"\t\t\t    get_{nested}(a, &out->{n}[out->nr_{n}++]) < 0)",
              "\t\t\t\treturn -EBADMSG;"]
    elif t == "flag":
        o += [f"\t\t\tout->{n} = true;"]
    else:
        get = {"string": "get_string", "binary": "get_bytes"}.get(t, "get_bytes")
        o += [f"\t\t\tif ({get}(a, {'' if t in ('string', 'binary') else '&'}out->{n}, "
              f"sizeof(out->{n})) < 0)", "\t\t\t\treturn -EBADMSG;"]
    return o + ["\t\t\tbreak;"]


def gen_user_c(sp):
    o = Out(*c_head("GPL-2.0-or-later", False))
    o("#include <errno.h>", "#include <string.h>", "#include <netlink/genl/genl.h>",
      "#include <netlink/msg.h>", "#include <netlink/attr.h>", '#include "nl-gen.h"', "")
    o("/* Scalars and uuids: the length must be exact, the bytes are the host's. */")
    o("static int get_bytes(struct nlattr *a, void *to, size_t bytes)", "{")
    o("\tif ((size_t)nla_len(a) != bytes)", "\t\treturn -EBADMSG;")
    o("\tmemcpy(to, nla_data(a), bytes);", "\treturn 0;", "}", "")
    o("/* A string is cut if it does not fit, and always ended. */")
    o("static int get_string(struct nlattr *a, char *to, size_t bytes)", "{")
    o("\tsize_t len = strnlen(nla_data(a), nla_len(a));", "")
    o("\tif (len >= bytes)", "\t\tlen = bytes - 1;")
    o("\tmemcpy(to, nla_data(a), len);", "\tto[len] = 0;", "\treturn 0;", "}")
    for s in nests(sp):
        n = low(s["name"])
        o("", f"static int put_{n}(struct nl_msg *msg, int attr, const struct rpl_req_{n} *req)", "{")
        o("\tstruct nlattr *nest = nla_nest_start(msg, attr | NLA_F_NESTED);", "")
        o("\tif (!nest)", "\t\treturn -EMSGSIZE;")
        for a in s["attributes"]:
            o(*encode_one(a))
        o("\tnla_nest_end(msg, nest);", "\treturn 0;")
        o("nla_put_failure:", "\tnla_nest_cancel(msg, nest);", "\treturn -EMSGSIZE;", "}")
    for op in real_ops(sp):
        n = low(op["name"])
        o("", f"int rpl_encode_{n}(struct nl_msg *msg, const struct rpl_req_{n} *req)", "{")
        for a in sp.request_attrs(op):
            o(*encode_one(a))
        o("\treturn 0;", "nla_put_failure:", "\treturn -EMSGSIZE;", "}")
    tops = {sp.attr_set(op)["name"] for op in real_ops(sp)}
    for name, attrs in reply_sets(sp).items():
        n = low(name)
        top = name in tops
        head = f"int rpl_decode_{n}(struct nlmsghdr *nlh" if top else f"static int get_{n}(struct nlattr *nest"
        o("", f"{head}, struct rpl_msg_{n} *out)", "{")
        o("\tstruct nlattr *a;", "\tint left;", "", "\tmemset(out, 0, sizeof(*out));")
        if top:
            o("\tif (!genlmsg_valid_hdr(nlh, 0))", "\t\treturn -EBADMSG;")
            o("\tnla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),",
              "\t\t\t  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {")
        else:
            o("\tnla_for_each_nested(a, nest, left) {")
        o("\t\tswitch (nla_type(a)) {")
        for a in attrs:
            o(*decode_one(a))
        o("\t\tdefault:", "\t\t\tcontinue;", "\t\t}")
        o("\t\tout->has |= UINT64_C(1) << nla_type(a);", "\t}", "\treturn 0;", "}")
    return o.text()


def doc_cell(text):
    return " ".join((text or "").split()).replace("|", "\\|")


def gen_doc(sp):
    o = Out(DOC_BEGIN, "", "### Operations", "")
    o("| number | operation | request | dump request | answer | privilege | what |",
      "|-|-|-|-|-|-|-|")
    for op in sp.ops:
        if "notify" in op:
            o(f"| {op['nr']} | `{op['name']}` | – | – | as `{op['notify']}` | none (group `{op['mcgrp']}`) "
              f"| {doc_cell(op['doc'])} |")
            continue
        req = ", ".join(op["do"]["request"]["attributes"])
        dump = "–" if "dump" not in op else \
            ", ".join(op["dump"].get("request", {}).get("attributes", [])) or "nothing"
        priv = "CAP_SYS_ADMIN" if op.get("flags") else "none"
        o(f"| {op['nr']} | `{op['name']}` | {req} | {dump} | {', '.join(op['do']['reply']['attributes'])} "
          f"| {priv} | {doc_cell(op['doc'])} |")
    for s in sp.sets.values():
        o("", f"### Attributes of `{s['name']}`", "", doc_cell(s["doc"]), "")
        o("| number | attribute | type | what |", "|-|-|-|-|")
        for a in s["attributes"]:
            t = a["type"]
            if "exact-len" in a.get("checks", {}):
                t += f", {sp.length(a['checks']['exact-len'])} bytes"
            if "nested-attributes" in a:
                t += f" of `{a['nested-attributes']}`" + (", repeated" if a.get("multi-attr") else "")
            if "enum" in a:
                t += f", `{a['enum']}`"
            if "min" in a.get("checks", {}):
                t += f", {a['checks']['min']}..{a['checks']['max']}"
            o(f"| {a['nr']} | `{a['name']}` | {t} | {doc_cell(a.get('doc'))} |")
    for e in sp.enums.values():
        o("", f"### Values of `{e['name']}`", "", doc_cell(e["doc"]), "")
        o("| value | word | meaning |", "|-|-|-|")
        for _, word, value, doc in sp.entries(e):
            o(f"| {value} | `{word}` | {doc_cell(doc)} |")
    o("", DOC_END)
    return o.text()


def with_table(path, table):
    """The document with the part between the two markers replaced."""
    text = path.read_text() if path.exists() else f"# The netlink interface\n\n{DOC_BEGIN}\n{DOC_END}\n"
    head, rest = text.split(DOC_BEGIN, 1)
    return head + table.rstrip("\n") + rest.split(DOC_END, 1)[1]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--check", action="store_true", help="compare only")
    args = ap.parse_args()
    sp = Spec(ROOT / SPEC)
    doc = ROOT / "doc/netlink.md"
    outputs = {
        "uapi/linux/dm-replica.h": gen_uapi(sp),
        "kmod/nl-gen.h": gen_kernel_h(sp),
        "kmod/nl-gen.c": gen_kernel_c(sp),
        "kmod/names-gen.h": gen_names_h(sp, "GPL-2.0-only", "RPL_NAMES_GEN_H", "<linux/dm-replica.h>"),
        "kmod/names-gen.c": gen_names_c(sp, "GPL-2.0-only", "names-gen.h", '"pure.h"'),
        "agent/kernel/names-gen.h": gen_names_h(sp, "GPL-2.0-or-later", "RPL_NAMES_GEN_H",
                                                '"../../uapi/linux/dm-replica.h"'),
        "agent/kernel/names-gen.c": gen_names_c(sp, "GPL-2.0-or-later", "names-gen.h", "<string.h>"),
        "agent/kernel/nl-gen.h": gen_user_h(sp),
        "agent/kernel/nl-gen.c": gen_user_c(sp),
        "doc/netlink.md": with_table(doc, gen_doc(sp)),
    }
    stale = 0
    for name, text in outputs.items():
        path = ROOT / name
        if path.exists() and path.read_text() == text:
            continue
        if args.check:
            print(f"{name}: differs from what {SPEC} says, run: make gen", file=sys.stderr)
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    return stale


if __name__ == "__main__":
    sys.exit(main())
