"""See docs/architecture.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcidiol.terminology.product import Product


def products() -> dict[str, Product]:
    """Products that can be dispensed, by id, in order of preference."""
    from calcidiol.terminology.product import products as table

    return table()
