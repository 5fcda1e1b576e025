"""Cards: what is shipped is complete, and an incomplete card is refused by name."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.kinetics import cards, default_card, load_card
from calcidiol.kinetics.card import EFFECTS, parse_card
from calcidiol.kinetics.layout import NAMES

TEXT = files("calcidiol.kinetics").joinpath("cards/two-route-2026.toml").read_text(encoding="utf-8")


def test_shipped_cards() -> None:
    assert {"huang-you-2021", "two-route-2026"} <= set(cards())
    assert default_card().id in cards()
    for card in cards().values():
        assert card.random_effects == EFFECTS
        assert (card.spreads > 0).all()
        assert set(NAMES) == set(card.numbers["parameters"])
        for room in card.numbers.values():
            assert all(n.source and n.tag in "VRPS" for n in room.values())


def test_rates_are_per_day_inside() -> None:
    assert load_card("two-route-2026").value("cl25") == pytest.approx(0.0153 * 24)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (r"vmax = \{[^}]*\}", "", "parameters.vmax is missing"),
        (r'(km = \{ value = 6.0, )unit = "nmol/L"', r'\1unit = "nmol"', "unit 'nmol'"),
        (r'(km = \{ value = 6.0, unit = )"nmol/L"', r'\1"L"', "must be a nmol/L"),
        (r"(clh = \{ value = )0.0115", r"\1-1.0", "negative"),
        (r'citation = "[^"]*"', 'citation = ""', "citation"),
        (r'structure = "linear-clearance"', 'structure = "magic"', "structure 'magic'"),
        (r"(conversion = \{ spread = )0.25", r"\g<1>0.0", "effects.conversion.spread"),
        (r'source = "Ocampo-Pelland 2016 abstract", tag = "V"', 'source = "", tag = "V"', "lacks source"),
        (r'(v1 = [^}]*tag = )"V"', r'\1"X"', "tag 'X'"),
        (r"\[domain\][\s\S]*?\n\n", "", "domain is empty"),
        (r"weight_kg = \{ low = 40.0, high = 150.0", "weight_kg = { low = 40.0, high = 4.0", "domain.weight_kg"),
        (r"known_failures = \[[\s\S]*?\n\]", "known_failures = []", "known_failures"),
        (r"ka = \{ value = 0.19", 'ka = { value = "fast"', "no finite number"),
    ],
)
def test_incomplete_cards_are_refused(old: str, new: str, says: str) -> None:
    broken, count = re.subn(old, new, TEXT, count=1)
    assert count == 1
    with pytest.raises(KnowledgeError, match=re.escape(says)):
        parse_card(broken, "some/card.toml")


def test_not_toml() -> None:
    with pytest.raises(KnowledgeError, match=r"card\.toml: not a TOML file"):
        parse_card("= what", "card.toml")


def test_covariance_must_be_positive_definite() -> None:
    bad = TEXT + '\n[posterior]\nnames = ["vmax", "km"]\ncovariance = [[1.0, 2.0], [2.0, 1.0]]\n'
    with pytest.raises(KnowledgeError, match="positive definite"):
        parse_card(bad, "card.toml")
    good = parse_card(
        TEXT + '\n[posterior]\nnames = ["vmax", "km"]\ncovariance = [[1.0, 0.2], [0.2, 1.0]]\n', "card.toml"
    )
    assert good.population_effects == ("vmax", "km")
    assert np.allclose(good.covariance, [[1.0, 0.2], [0.2, 1.0]])


def test_unknown_card_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two-route-2026"):
        load_card("nonsense")
    own = tmp_path / "own.toml"
    own.write_text(TEXT.replace('id = "two-route-2026"', 'id = "own"'), encoding="utf-8")
    assert load_card(own).id == "own"
