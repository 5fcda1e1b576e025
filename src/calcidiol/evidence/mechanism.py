"""The map of mechanisms: from vitamin D to its effects, each edge with its kind of evidence and concentration."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from calcidiol.errors import KnowledgeError
from calcidiol.evidence import svg
from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.claims import Distance, distances
from calcidiol.evidence.load import DATA, load
from calcidiol.evidence.questions import Say, page
from calcidiol.evidence.record import Certainty, Claim, Ledger, Study
from calcidiol.evidence.text import effect_line, number

BOX, COLUMN, ROW, MARGIN = (150.0, 40.0), 205.0, 58.0, 20.0
_DASH = {"cell": "6 4", "animal": "6 4", "uncontrolled": "2 3", "textbook": ""}


@dataclass(frozen=True, slots=True)
class Edge:
    """One effect: from a node to a node, its sign, its claim, studies, kind of evidence, and concentrations."""

    id: str
    source: str
    target: str
    sign: str
    claim: Claim
    certainty: Certainty
    studies: tuple[Study, ...]
    kinds: tuple[str, ...]
    distances: tuple[Distance, ...]

    def to_dict(self) -> dict[str, Any]:
        """The edge as plain data."""
        return {
            "id": self.id,
            "from": self.source,
            "to": self.target,
            "sign": self.sign,
            "text_id": f"mechanism.edge.{self.id}",
            "claim": self.claim.claim_id,
            "verdict": self.claim.verdict,
            "certainty": self.certainty.level,
            "kinds": list(self.kinds),
            "studies": [s.study_id for s in self.studies],
            "concentrations": [d.to_dict() for d in self.distances],
        }


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    return tomllib.loads((DATA / "mechanisms.toml").read_text(encoding="utf-8"))


def nodes() -> dict[str, tuple[float, float]]:
    """The nodes with their place on a grid (column, row)."""
    return {name: (float(at["column"]), float(at["row"])) for name, at in _table()["node"].items()}


def edges(*, ledger: Ledger | None = None) -> tuple[Edge, ...]:
    """All edges of the map.

    Raises
    ------
    KnowledgeError
        When an edge names a node, claim or study that is not there.
    """
    ledger = ledger or load()
    places = nodes()
    found = []
    for row in _table()["edge"]:
        where = f"mechanisms.toml, edge {row.get('id')!r}"
        for end in ("from", "to"):
            if row[end] not in places:
                raise KnowledgeError(f"{where}: the node {row[end]!r} is not there.")
        if row["claim"] not in ledger.claims:
            raise KnowledgeError(f"{where}: the claim {row['claim']!r} is not in claims.csv.")
        unknown = [s for s in row["studies"] if s not in ledger.studies]
        if unknown:
            raise KnowledgeError(f"{where}: the study {unknown[0]!r} is not in studies.csv.")
        claim = ledger.claims[row["claim"]]
        studies = tuple(ledger.studies[s] for s in row["studies"])
        kinds = tuple(dict.fromkeys(s.kind for s in studies)) or ("textbook",)
        near = distances(studies, ledger)
        grade = certainty(claim, ledger)
        found.append(Edge(row["id"], row["from"], row["to"], row["sign"], claim, grade, studies, kinds, near))
    return tuple(found)


def _center(place: tuple[float, float]) -> tuple[float, float]:
    return MARGIN + BOX[0] / 2 + COLUMN * place[0], MARGIN + BOX[1] / 2 + ROW * place[1]


def map_svg(say: Say) -> str:
    """The map as SVG; every box links to its details on the same page."""
    places = nodes()
    found = edges()
    into = {edge.target: edge for edge in found}
    width = 2 * MARGIN + BOX[0] + COLUMN * max(c for c, _ in places.values())
    height = 2 * MARGIN + BOX[1] + ROW * max(r for _, r in places.values()) + 26
    parts = []
    for edge in found:
        (x1, y1), (x2, y2) = _center(places[edge.source]), _center(places[edge.target])
        start, end = x1 + BOX[0] / 2, x2 - BOX[0] / 2
        parts.append(svg.line(start, y1, end - 3, y2, color=svg.QUIET, width=1.8, dash=_DASH.get(edge.kinds[0], "")))
        if edge.sign == "+":
            parts.append(svg.shape([(end, y2), (end - 8, y2 - 4), (end - 8, y2 + 4)], color=svg.QUIET))
        else:
            parts.append(svg.line(end - 2, y2 - 8, end - 2, y2 + 8, color=svg.QUIET, width=3))
    for name, place in places.items():
        x, y = _center(place)
        label = say(f"mechanism.node.{name}", {})
        box = (
            f'<rect x="{x - BOX[0] / 2:.1f}" y="{y - BOX[1] / 2:.1f}" width="{BOX[0]:g}" height="{BOX[1]:g}" rx="6" '
            f'fill="#ffffff" stroke="{svg.MARK}"/>'
        )
        edge_in = into.get(name)
        if edge_in is None:
            parts.append(box + svg.text(x, y + 5, label, anchor="middle", bold=True))
            continue
        kind = say(f"evidence.kind.{edge_in.kinds[0]}", {})
        inside = svg.text(x, y - 2, label, anchor="middle", bold=True)
        inside += svg.text(x, y + 13, kind, anchor="middle", size=11, color=svg.QUIET)
        parts.append(f'<a href="#edge-{edge_in.id}">{box}{inside}</a>')
    parts.append(svg.text(MARGIN, height - 10, say("mechanism.legend", {}), size=12, color=svg.QUIET))
    said = "; ".join(say(f"mechanism.edge.{edge.id}", {}) for edge in found)
    drawn = svg.document(width, height, say("mechanism.title", {}), said, parts, name="mechanism")
    # a picture with links inside is a group of links to a screen reader, not one image
    return drawn.replace('role="img"', 'role="group"')


def _detail(edge: Edge, say: Say) -> str:
    sentence = escape(say(f"mechanism.edge.{edge.id}", {}))
    level = escape(say(f"patients.certainty.{edge.certainty.level.replace(' ', '_')}", {}))
    kinds = escape(", ".join(say(f"evidence.kind.{k}", {}) for k in edge.kinds))
    verdict = escape(say("verdict.claim." + edge.claim.verdict, {}))
    rows = [f"<p>{kinds} · {level} · {verdict} ({edge.claim.claim_id})</p>"]
    for d in edge.distances:
        params = {
            "study": d.used.study_id,
            "compound": d.used.compound,
            "low": number(d.used.low_nmol_l),
            "high": number(d.used.high_nmol_l),
            "reached_low": number(d.reached.low_nmol_l),
            "reached_high": number(d.reached.high_nmol_l),
            "times": number(d.times_high),
        }
        rows.append(f"<p>{escape(say('mechanism.concentration', params))}</p>")
    studies = "".join(f"<li>{s.study_id}: {escape(effect_line(s))}. {escape(s.citation)}</li>" for s in edge.studies)
    if studies:
        rows.append(f'<ul lang="en">{studies}</ul>')
    return f'<details><summary>{sentence}</summary><div id="edge-{edge.id}">{"".join(rows)}</div></details>'


def mechanism_page(say: Say, *, lang: str = "en", reviewed: bool = True, standalone: bool = True) -> str:
    """The map with the details of every edge, as HTML; a box of the map opens its details."""
    parts = [f"<h1>{escape(say('mechanism.title', {}))}</h1>", f"<p>{escape(say('mechanism.intro', {}))}</p>"]
    if not reviewed:
        parts.append(f'<p class="mark" role="note">{escape(say("patients.unreviewed", {}))}</p>')
    parts.append(f'<div class="map">{map_svg(say)}</div>')
    parts += [_detail(edge, say) for edge in edges()]
    return page(say("mechanism.title", {}), parts, lang) if standalone else "".join(parts)
