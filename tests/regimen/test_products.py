"""The product table holds what it says, and refuses what is incomplete."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.errors import KnowledgeError
from calcidiol.terminology import products
from calcidiol.terminology.product import Product, choose, load

TABLE = products()
ROW = {
    "name": "x", "substance": "cholecalciferol", "route": "im", "form": "ampoule", "strength_amount": 300000,
    "strength_unit": "[iU]", "volume_ml": 1, "step": 10000, "smallest_volume_ml": 0.1, "divisible": True,
    "max_single": 300000, "min_days": 7, "vehicle": "mct", "excipients": [], "market": "CH", "source": "s", "tag": "V",
}  # fmt: skip


@pytest.mark.parametrize("product", TABLE.values(), ids=list(TABLE))
def test_every_product_gives_its_own_piece_and_no_more_than_its_largest_dose(product: Product) -> None:
    piece = min(product.strength_amount, product.max_single_amount)
    assert product.gives(piece if product.form != "solution" else product.max_single_amount)
    assert not product.gives(product.max_single_amount + product.smallest_amount)
    assert not product.gives(0.0)
    assert not product.gives(-product.strength_amount)
    assert product.source
    assert product.tag in "VRPS"
    assert (product.strength_iu is None) == (product.substance == "calcifediol")


def test_parts_of_ampoules_only_where_the_table_says_so() -> None:
    assert TABLE["streuli-d3-300000-im"].gives(50_000)
    assert TABLE["streuli-d3-300000-im"].volume(50_000) == 0.17
    assert not TABLE["streuli-d3-300000-im"].gives(20_000)  # 0.07 mL cannot be measured
    assert not TABLE["streuli-d3-300000-im"].gives(55_000)  # not a multiple of the step
    assert not TABLE["calciferol-kr-300000-im"].gives(50_000)
    assert not TABLE["invita-d3-50000-capsule"].gives(25_000)


@given(st.sampled_from(list(TABLE)), st.floats(0.01, 1e6))
def test_what_a_product_gives_is_a_measurable_multiple(name: str, amount: float) -> None:
    product = TABLE[name]
    if product.gives(amount):
        steps = amount / product.smallest_amount
        assert abs(steps - round(steps)) <= 1e-6 * max(1.0, steps)
        assert amount <= product.max_single_amount * (1 + 1e-9)
        if product.divisible:
            assert amount / product.strength_amount * product.volume_ml >= product.smallest_volume_ml * (1 - 1e-9)


def test_the_least_troublesome_product_is_chosen() -> None:
    def name(route: str, amount: float, every: float) -> str:
        found = choose(TABLE, "cholecalciferol", route, amount, "[iU]", every)
        return found.id if found else ""

    assert name("im", 100_000, 28) == "dibase-100000-im"  # a whole ampoule
    assert name("im", 300_000, 0) == "streuli-d3-300000-im"
    assert name("oral", 50_000, 7) == "invita-d3-50000-capsule"
    assert name("oral", 50_000, 1) == ""  # no product for every day
    assert name("oral", 4_000, 1) != "cholecalciferol-4000-capsule"  # a labeled product first
    assert name("oral", 2_400, 1) == "invita-d3-800-capsule"  # three capsules rather than a syringe
    assert name("oral", 3_200, 1) == "streuli-d3-4000-per-ml"  # 0.8 mL, a mark of the syringe; 1.07 mL would be none
    assert name("oral", 600, 1) == "colecalciferol-3000-per-ml"  # 0.2 mL
    assert name("oral", 123, 1) == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "'name'"),
        ({"tag": "X"}, "'tag'"),
        ({"route": "iv"}, "'route'"),
        ({"strength_amount": 0}, "'strength_amount'"),
        ({"strength_amount": math.nan}, "'strength_amount'"),
        ({"max_single": True}, "'max_single'"),
        ({"colour": "red"}, "unknown key"),
        ({"excipients": "mct"}, "excipients"),
        ({"divisible": False}, "multiple of its strength"),
        ({"volume_ml": 0}, "volume"),
    ],
)
def test_an_incomplete_row_is_refused_by_name(change: dict[str, object], says: str) -> None:
    with pytest.raises(KnowledgeError) as told:
        load({"y": ROW | change})
    assert "'y'" in str(told.value)
    assert says in str(told.value)
    assert load({"y": ROW})["y"].max_single_iu == 300000
