"""Are the references of an article what they say, and which claims of the ledger does it make?

    audit(path_or_text, online=False, cache=None) -> Audit
    render_text(audit), render_html(audit)

Decisions and measured error rates: docs/decisions/0007-reference-audit.md.
"""

from __future__ import annotations

from calcidiol.evidence.audit.auditing import audit
from calcidiol.evidence.audit.records import Audit, Author, Cited, ClaimMatch, InText, Record, Reference
from calcidiol.evidence.audit.render import render_html, render_text

__all__ = [
    "Audit",
    "Author",
    "Cited",
    "ClaimMatch",
    "InText",
    "Record",
    "Reference",
    "audit",
    "render_html",
    "render_text",
]
