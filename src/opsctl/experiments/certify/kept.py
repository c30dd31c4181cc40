"""Which methods are certified now: by the ledger, or by the certificates that the release brings along."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from opsctl.core.errors import RefusedError
from opsctl.experiments.certify.code import code_digest
from opsctl.experiments.certify.document import from_document, id_of, to_document
from opsctl.experiments.certify.model import Certificate
from opsctl.experiments.certify.promises import replications_of
from opsctl.experiments.statistics.methods import Method

SHIPPED = Path(__file__).with_name("certificates.json")
"""Written by `opsctl experiments certify --ship`, with the code that it is of."""


def valid(certificates: Iterable[Certificate], *, code: str | None = None) -> dict[Method, Certificate]:
    """Return the newest whole certificate of this code of each method, if it is green.

    A method that broke a promise here, such as with the numpy of this machine, is not certified by an older measurement.
    """
    now = code or code_digest()
    newest = {each.method: each for each in certificates if each.code == now and _is_whole(each)}
    return {method: each for method, each in newest.items() if each.is_green}


def shipped() -> tuple[Certificate, ...]:
    """Return the certificates of the release; none where they cannot be read."""
    try:
        return tuple(from_document(each) for each in json.loads(SHIPPED.read_text("utf-8"))["certificates"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def shipped_text(certificates: Iterable[Certificate]) -> str:
    """Return the file of the release."""
    documents = [to_document(each) | {"id": id_of(each)} for each in certificates]
    return json.dumps({"certificates": documents}, indent=1, sort_keys=True) + "\n"


def require_certified(methods: Iterable[Method], held: Mapping[Method, Certificate]) -> dict[str, str]:
    """Return the id of the certificate of each method.

    Raises:
        RefusedError: EXP140 a method has none, so nobody knows how often it is wrong.
    """
    wanted = tuple(dict.fromkeys(methods))
    missing = [method.value for method in wanted if method not in held]
    if missing:
        raise RefusedError(
            f"{_words(missing)} not certified",
            code="EXP140",
            why="nothing proves that this code keeps its error rates",
            fix=f"opsctl experiments certify {' '.join(missing)}",
        )
    return {method.value: id_of(held[method]) for method in wanted}


def _is_whole(certificate: Certificate) -> bool:
    whole = replications_of(certificate.method)
    return bool(certificate.figures) and all(figure.replications >= whole for figure in certificate.figures)


def _words(names: list[str]) -> str:
    quoted = ", ".join(f"`{name}`" for name in names)
    return f"{quoted} {'is' if len(names) == 1 else 'are'}"
