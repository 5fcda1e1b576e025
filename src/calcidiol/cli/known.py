"""Commands that tell what is known: cards, products, protocols."""

from __future__ import annotations

import argparse
from typing import Any

from calcidiol.cli.files import dumps, write


def add(commands: Any) -> None:
    """Add the commands to the command line."""
    for name, run, what in (
        ("cards", cards_run, "model cards: what each was built from, and where it fails"),
        ("products", products_run, "products that can be dispensed"),
        ("protocols", protocols_run, "named protocols"),
    ):
        command = commands.add_parser(name, help=what, description=run.__doc__)
        command.add_argument("--json", metavar="FILE", help="as data; - for standard output")
        command.set_defaults(run=run)


def _tell(args: argparse.Namespace, rows: list[dict[str, Any]], line: Any) -> int:
    if args.json:
        write(args.json, dumps(rows))
    if args.json != "-":
        for row in rows:
            print(line(row))
    return 0


def cards_run(args: argparse.Namespace) -> int:
    """The model cards, with population, domain, source and known failures."""
    from calcidiol.kinetics import cards, default_card

    default = default_card().id
    rows = [
        {
            "id": c.id,
            "version": c.version,
            "default": c.id == default,
            "citation": c.citation,
            "population": c.population,
        }
        for c in cards().values()
    ]
    return _tell(
        args,
        rows,
        lambda r: (
            f"{r['id']}{' (default)' if r['default'] else ''}, version {r['version']}\n    {r['citation']}\n"
            f"    {r['population']}"
        ),
    )


def products_run(args: argparse.Namespace) -> int:
    """The products, with strength, vehicle, market, source and tag."""
    import msgspec

    from calcidiol.terminology import products

    rows = [msgspec.to_builtins(p) for p in products().values()]
    return _tell(
        args, rows, lambda r: f"{r['id']}: {r['name']} [{r['route']}] {r['market']}; {r['source']} ({r['tag']})"
    )


def protocols_run(args: argparse.Namespace) -> int:
    """The named protocols, with source and tag."""
    import msgspec

    from calcidiol.regimen import protocols

    rows = [msgspec.to_builtins(p) for p in protocols().values()]
    return _tell(args, rows, lambda r: f"{r['id']}: {r['name']}; {r['source']} ({r['tag']})")
