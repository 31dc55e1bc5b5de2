# SPDX-License-Identifier: GPL-2.0-or-later
"""sblim-wbemcli, a client that nobody of this project wrote. One process for each request.

What it cannot do (1.6.3): pass a reference unless it is the last parameter (what follows is taken
for keys of the reference), pass an array of references with more than one key (it crashes).
"""
import re
import subprocess


class WbemcliError(Exception):
    pass


class Wbemcli:
    def __init__(self, url, user, password, namespace="root/dmreplica", options=()):
        scheme, rest = url.split("://")
        self.base = f"{scheme}://{user}:{password}@{rest}"
        self.ns, self.options = namespace, list(options)

    def target(self, path, namespace=None):
        return f"{self.base}/{namespace or self.ns}:{path}"

    def argv(self, op, path, *args, namespace=None, options=()):
        return ["wbemcli", op, *self.options, *options, self.target(path, namespace), *args]

    def run(self, op, path, *args, namespace=None, options=(), timeout=60):
        """Its output; WbemcliError when it says so (its exit status does not)."""
        r = subprocess.run(self.argv(op, path, *args, namespace=namespace, options=options),
                           capture_output=True, text=True, timeout=timeout)
        err = [line.strip("* ") for line in (r.stderr + r.stdout).splitlines()
               if line.startswith("* wbemcli:")]
        if err or r.returncode:
            raise WbemcliError(" ".join(err) or f"exit status {r.returncode} {r.stderr}")
        return r.stdout

    def names(self, class_name, namespace=None):
        """Object paths (without host and namespace) of the instances of a class."""
        return [line.split(":", 2)[2] if line.count(":") >= 2 else line
                for line in self.run("ein", class_name, namespace=namespace).splitlines() if line]

    def get(self, path, *props, namespace=None):
        """{property: text} of an instance."""
        out = self.run("gi", path, *([",".join(props)] if props else []), namespace=namespace,
                       options=["-nl"])
        return properties(out)

    def call(self, path, method, timeout=60, **params):
        """(return value, output line). Strings are quoted; the order of `params` is kept."""
        text = ",".join(f"{k}={quote(v)}" for k, v in params.items())
        out = self.run("cm", path, f"{method}.{text}" if text else method, timeout=timeout)
        m = re.search(rf"{method}: (\d+)", out)
        if not m:
            raise WbemcliError(f"no return value in: {out}")
        return int(m[1]), out.strip()


class Ref(str):
    """An object path given as it is."""


def quote(value):
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return f'"{value}"'


def properties(text):
    found = {}
    for line in text.splitlines():
        m = re.match(r"-(\w+)=(.*)$", line)
        if m:
            found[m[1]] = m[2].strip('"')
    return found
