# SPDX-License-Identifier: GPL-2.0-or-later
"""apt with a configuration of its own: other Debian suites from the system's own mirror.

Nothing of the system's package state is read or changed.  The mirror and the keyring are those of
the system's sources, so that a machine behind a local mirror needs no setting here.
"""
import os
import pathlib
import re
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class AptError(Exception):
    pass


def _system_sources():
    """{(archive kind): uri} of the Debian sources of this machine, kind 'main' or 'security'."""
    out = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(SIGNED_BY)",
         "Identifier: Packages"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in out.splitlines():
        uri, release, _ = line.split("|", 2)
        m = re.fullmatch(r"(bookworm|trixie|forky|sid)(-security)?", release)
        if m:
            found.setdefault("security" if m[2] else "main", (uri, release))
    if "main" not in found:
        raise AptError("the system's apt sources name no Debian release: cannot tell the mirror")
    return found


class Apt:
    """One private apt state below `where`, serving the suites that it was made with."""

    def __init__(self, where, suites):
        self.dir = pathlib.Path(where)
        for d in ("lists/partial", "cache/archives/partial"):
            (self.dir / d).mkdir(parents=True, exist_ok=True)
        self._write(suites)

    def _write(self, suites):
        uris = _system_sources()
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        lines = []
        for s in suites:
            kind = "security" if s.endswith("-security") else "main"
            if kind in uris:
                lines.append(f"deb {signed}{uris[kind][0]} {s} main\n")
        (self.dir / "sources.list").write_text("".join(lines))
        (self.dir / "status").touch()
        empty = self.dir / "empty"
        empty.mkdir(exist_ok=True)
        (self.dir / "conf").write_text("".join(f'{k} "{v}";\n' for k, v in {
            "Dir::State": self.dir,
            "Dir::State::lists": self.dir / "lists",
            "Dir::State::status": self.dir / "status",
            "Dir::Cache": self.dir / "cache",
            "Dir::Etc::sourcelist": self.dir / "sources.list",
            "Dir::Etc::sourceparts": empty,
            "Dir::Etc::preferences": self.dir / "none",
            "Dir::Etc::preferencesparts": empty,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::PDiffs": "false",
        }.items()))

    def run(self, *args, cwd=None):
        env = dict(os.environ, APT_CONFIG=str(self.dir / "conf"), LC_ALL="C")
        opts = ["-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
                "-o", "Acquire::IndexTargets::deb::CNF::DefaultEnabled=false"]
        r = subprocess.run([args[0], *opts, *args[1:]], env=env, cwd=cwd, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode:
            raise AptError(f"{' '.join(args)}: exit {r.returncode}\n{r.stdout}")
        return r.stdout

    def update(self):
        self.run("apt-get", "-q", "update")

    def names(self, regex):
        """Names of all packages that match."""
        out = self.run("apt-cache", "search", "--names-only", regex)
        return [line.split(" - ", 1)[0] for line in out.splitlines()]

    def fetch(self, packages, to):
        """Download `packages` (name or name/suite) and unpack them below `to`."""
        debs = self.dir / "debs"
        debs.mkdir(exist_ok=True)
        for f in debs.glob("*.deb"):
            f.unlink()
        self.run("apt-get", "-q", "download", *packages, cwd=debs)
        got = sorted(debs.glob("*.deb"))
        if len(got) != len(packages):
            raise AptError(f"asked for {len(packages)} packages, got {len(got)}")
        for f in got:
            subprocess.run(["dpkg", "-x", f, to], check=True)
            f.unlink()
