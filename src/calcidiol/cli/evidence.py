"""Commands about the evidence: claims, show, pool, audit, search."""

from __future__ import annotations

import argparse
from typing import Any

from calcidiol.cli.files import dumps, write
from calcidiol.cli.patients import progress


def add(commands: Any) -> None:
    """Add the commands to the command line."""
    what = commands.add_parser("evidence", help="claims, studies, pooling, audit of references").add_subparsers(
        dest="what", metavar="WHAT", required=True
    )

    claims = what.add_parser("claims", help="the ledger of claims", description=claims_run.__doc__)
    claims.add_argument("--document", metavar="ID", default=None, help="only claims of one document (D0, D1, D2)")
    claims.add_argument("--topic", metavar="WORD", default=None, help="only claims with this word")
    _json(claims)
    claims.set_defaults(run=claims_run)

    show = what.add_parser("show", help="one claim with its studies", description=show_run.__doc__)
    show.add_argument("claim", metavar="CLAIM")
    show.add_argument("--svg", metavar="FILE", help="write its forest plot")
    _json(show)
    show.set_defaults(run=show_run)

    pool = what.add_parser("pool", help="pool a group of studies", description=pool_run.__doc__)
    pool.add_argument("group", metavar="GROUP")
    pool.add_argument("--method", default="REML", choices=("REML", "DL", "PM"))
    pool.add_argument("--interval", default="hk", choices=("hk", "wald"))
    pool.add_argument("--without", nargs="+", default=[], metavar="ID", help="studies to leave out")
    pool.add_argument("--svg", metavar="FILE", help="write the forest plot")
    _json(pool)
    pool.set_defaults(run=pool_run)

    audit = what.add_parser(
        "audit", help="check the references and claims of an article", description=audit_run.__doc__
    )
    audit.add_argument("article", metavar="ARTICLE", help="txt, md, html or pdf")
    audit.add_argument("--online", action="store_true", help="also ask Crossref, PubMed and OpenAlex")
    audit.add_argument("--html", metavar="FILE", help="write a report")
    _json(audit)
    audit.set_defaults(run=audit_run)

    search = what.add_parser("search", help="find claims and studies by words", description=search_run.__doc__)
    search.add_argument("text", metavar="TEXT")
    _json(search)
    search.set_defaults(run=search_run)

    for name, run, help_ in (
        ("questions", questions_run, "patients' questions, each answer with its certainty (HTML)"),
        ("map", map_run, "mechanisms as a map, each edge with its kind of evidence (HTML)"),
    ):
        page = what.add_parser(name, help=help_, description=run.__doc__)
        page.add_argument("--html", metavar="FILE", default="-", help="where the page goes (default: standard output)")
        page.add_argument("--lang", default="en", choices=("en", "zh-Hant"))
        page.set_defaults(run=run)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", metavar="FILE", help="as data; - for standard output")


def _tell(args: argparse.Namespace, result: Any, text: str) -> int:
    if args.json:
        write(args.json, dumps(result))
    if args.json != "-":
        print(text)
    return 0


def claims_run(args: argparse.Namespace) -> int:
    """The ledger: claim, verdict, certainty, studies for and against."""
    from calcidiol import evidence

    found = evidence.claims(document=args.document, topic=args.topic)
    return _tell(args, [c.to_dict() for c in found], evidence.text_claims(found))


def show_run(args: argparse.Namespace) -> int:
    """One claim with its studies, its certainty step by step, and a forest plot."""
    from calcidiol import evidence

    shown = evidence.show(args.claim)
    if args.svg:
        write(args.svg, evidence.forest_of_claim(shown))
    return _tell(args, shown.to_dict(), evidence.text_show(shown))


def pool_run(args: argparse.Namespace) -> int:
    """Pool the studies of a group by random effects."""
    from calcidiol import evidence

    pooled = evidence.pool(args.group, method=args.method, interval=args.interval, without=tuple(args.without))
    if args.svg:
        write(args.svg, evidence.forest(pooled))
    return _tell(args, pooled.to_dict(), evidence.text_pool(pooled))


def audit_run(args: argparse.Namespace) -> int:
    """Check each reference of an article against real papers, and propose the ledger's claims for its sentences."""
    from calcidiol.evidence import audit as auditing

    with progress(f"Reading {args.article}"):
        audited = auditing.audit(args.article, online=args.online)
    if args.html:
        write(args.html, auditing.render_html(audited))
    return _tell(args, audited.to_dict(), auditing.render_text(audited))


def search_run(args: argparse.Namespace) -> int:
    """Claims and studies nearest to some words."""
    from calcidiol import evidence

    hits = evidence.search(args.text)
    return _tell(args, [h.to_dict() for h in hits], evidence.text_search(hits))


def questions_run(args: argparse.Namespace) -> int:
    """What is known for patients' questions, as a page in English or Traditional Chinese."""
    from calcidiol import evidence
    from calcidiol.report.words import Words

    words = Words(args.lang)
    write(args.html, evidence.patients_page(words.say, lang=args.lang, reviewed=words.reviewed("patients.title")))
    return 0


def map_run(args: argparse.Namespace) -> int:
    """The mechanisms of vitamin D in cancer as a map; cells and trials are never drawn alike."""
    from calcidiol import evidence
    from calcidiol.report.words import Words

    words = Words(args.lang)
    write(args.html, evidence.mechanism_page(words.say, lang=args.lang, reviewed=words.reviewed("mechanism.title")))
    return 0
