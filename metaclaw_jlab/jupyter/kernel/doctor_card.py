"""The doctor's findings as a card."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.inspection.doctor import render_findings, summary
from metaclaw_jlab.inspection.finding import Finding, Level
from metaclaw_jlab.jupyter.kernel.shown import Paragraph, Shown, Table

_SIGNS = {Level.OK: "✓ ok", Level.WARN: "! warning", Level.FAIL: "✗ failure"}
_WORST_FIRST = (Level.FAIL, Level.WARN, Level.OK)
_HEAD = ("", "part", "what was found", "what to do", "command")


def doctor_card(findings: Sequence[Finding]) -> Shown:
    """The findings in the order of the examination as text, the worst first as a table."""
    ordered = sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.level))
    rows = [
        (_SIGNS[found.level], found.name, found.sentence, found.next_step, found.command) for found in ordered
    ]
    return Shown(render_findings(findings), (Paragraph(summary(findings)), Table(rows, _HEAD)))
