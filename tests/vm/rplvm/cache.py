# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache directory: where it is, one lock per entry, entries that appear whole or not at all."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = TOP / "build"


def root():
    """The cache of this user; RPL_CACHE overrides it."""
    given = os.environ.get("RPL_CACHE")
    if given:
        return pathlib.Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "dm-replica"


@contextlib.contextmanager
def locked(name):
    """Hold the lock of entry `name`; others who want the entry wait here."""
    path = root() / f".{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def new_entry(path):
    """Yield a scratch directory that becomes `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    os.chmod(work, 0o755)
    try:
        yield work
        if path.exists():
            shutil.rmtree(path)
        work.rename(path)
    finally:
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)
