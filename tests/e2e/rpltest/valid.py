# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers against the DTD of CIM-XML, DMTF's DSP0203 2.4.0 (tests/cim/dtd, with DMTF's own notice)."""
import pathlib

import pywbem
from lxml import etree

DTD = etree.DTD(str(pathlib.Path(__file__).parents[2] / "cim/dtd/DSP0203_2.4.0.dtd"))


def check(body):
    """Raises when the text of an answer is not valid."""
    root = etree.fromstring(body if isinstance(body, bytes) else body.encode())
    if DTD.validate(root):
        return
    what = {e.message for e in DTD.error_log}
    raise AssertionError(f"not valid: {sorted(what)[:3]}")


class Recorder(pywbem.BaseOperationRecorder):
    """Checks every answer that a WBEMConnection gets; the first bad one ends the operation."""

    def stage_http_response2(self, payload):
        super().stage_http_response2(payload)
        if payload:
            check(payload)

    def record(self, pywbem_args, pywbem_result, http_request, http_response):
        pass


def watched(conn):
    """The connection; whatever it is answered must be valid."""
    conn.add_operation_recorder(Recorder())
    return conn
