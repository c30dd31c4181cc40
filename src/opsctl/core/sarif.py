"""How do SARIF 2.1.0's documents, rules and places look: written in one way for lints and for the security audit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from opsctl.core.findings import Location

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def rule(
    code: str,
    *,
    explanation: str,
    level: str,
    title: str | None = None,
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a rule: everything that is said of it is the page of `opsctl explain`.

    Args:
        code: of the check.
        explanation: its page; the first line is its sentence.
        level: what a result has that names none.
        title: a short one, where the check has it.
        properties: for who shows it.
    """
    sentence = explanation.partition("\n")[0]
    written = {
        "id": code,
        "shortDescription": {"text": title or sentence},
        "fullDescription": {"text": sentence},
        "help": {"text": explanation},
        "defaultConfiguration": {"level": level},
    }
    return written | ({"properties": dict(properties)} if properties else {})


def place(location: Location) -> dict[str, Any]:
    """Return where a result is; a file's name may hold anything, an address may not."""
    region = {"startLine": location.line or 1} | ({"startColumn": location.column} if location.column else {})
    uri = quote(location.file.encode(errors="surrogateescape"), safe="/")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def document(
    *,
    name: str,
    version: str,
    rules: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    **run: Any,
) -> str:
    """Return the text of a document with one run of a tool; `run` is what else is told of it."""
    driver = {"name": name, "version": version, "rules": rules}
    whole = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", **run, "results": results}
    return (
        json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [whole]}, indent=2, ensure_ascii=False)
        + "\n"
    )
