"""Status schemes: each edge, and what is refused."""

from __future__ import annotations

import pytest

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.safety import classify, schemes
from calcidiol.safety.status import read_schemes


@pytest.mark.parametrize("scheme", schemes().values(), ids=lambda s: s.id)
def test_every_edge_begins_the_next_class(scheme: object) -> None:
    order = ["severe", "deficient", "insufficient", "sufficient", "high"]
    for name in ("severe_below", "deficient_below", "insufficient_below"):
        edge = getattr(scheme, name)
        if edge is not None:
            below, at = scheme.classify(edge - 0.01), scheme.classify(edge)  # type: ignore[attr-defined]
            assert order.index(below) < order.index(at)
    edge = scheme.high_above  # type: ignore[attr-defined]
    if edge is not None:  # the societies say "above", so the edge itself is not high yet
        assert scheme.classify(edge) == "sufficient"  # type: ignore[attr-defined]
        assert scheme.classify(edge + 0.01) == "high"  # type: ignore[attr-defined]
    if scheme.target is not None:  # type: ignore[attr-defined]
        assert scheme.target[0] < scheme.target[1]  # type: ignore[attr-defined]


def test_the_societies_do_not_agree() -> None:
    assert {s: classify(45.0, s) for s in schemes()} == {
        "project": "deficient", "ES2011": "deficient", "IOM2011": "insufficient", "ROS-UK": "insufficient",
        "SACN": "sufficient", "CEE2022": "deficient", "PL2023": "deficient", "ESPEN2022": "deficient", "ES2024": None,
    }  # fmt: skip
    assert classify(125.0) == "sufficient"
    assert classify(125.1) == "high"


def test_an_unknown_scheme_names_the_known() -> None:
    with pytest.raises(UsageError, match="ES2011"):
        classify(50.0, "WHO")


@pytest.mark.parametrize(
    ("change", "says"),
    [({"tag": "X"}, "needs name"), ({"color": 1}, "'color'"), ({"high_above": 10}, "do not rise")],
)
def test_a_faulty_scheme_is_refused(change: dict[str, object], says: str) -> None:
    row = {"name": "n", "source": "s", "tag": "P", "deficient_below": 50, **change}
    with pytest.raises(KnowledgeError, match=says):
        read_schemes({"x": row})
