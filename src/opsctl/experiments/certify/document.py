"""How is a certificate written down, and read back: as JSON, as a proof of the ledger, with an id of what it says."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from opsctl.evidence.model import Evidence, Record, Verdict, digest_of
from opsctl.experiments.certify.model import Certificate, Figure, Measured
from opsctl.experiments.statistics.methods import Method

CERTIFICATE_KIND = "experiments.certificate"
# What a method kept it keeps, as long as its code is the same; the digest of the code watches over that.
_VALID_FOR = timedelta(days=365)


def id_of(certificate: Certificate) -> str:
    """Return a short id of what a certificate says; who measures the same anew gets the same id."""
    document = {key: value for key, value in to_document(certificate).items() if key not in ("seconds", "id")}
    return digest_of(document)[:12]


def to_document(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate for JSON, without its id."""
    return {
        "method": certificate.method.value,
        "is_green": certificate.is_green,
        "figures": [
            {
                "figure": each.figure.value,
                "value": round(each.value, 6),
                "low": each.low,
                "high": each.high,
                "replications": each.replications,
                "is_kept": each.is_kept,
            }
            for each in certificate.figures
        ],
        "seed": certificate.seed,
        "code": certificate.code,
        "versions": dict(certificate.versions),
        "seconds": round(certificate.seconds, 1),
    }


def from_document(document: Mapping[str, Any]) -> Certificate:
    """Read a certificate back.

    Raises:
        ValueError: it is none.
    """
    try:
        return Certificate(
            method=Method(document["method"]),
            figures=tuple(
                Measured(
                    figure=Figure(each["figure"]),
                    value=float(each["value"]),
                    low=each["low"],
                    high=each["high"],
                    replications=int(each["replications"]),
                    is_kept=bool(each["is_kept"]),
                )
                for each in document["figures"]
            ),
            seed=int(document["seed"]),
            code=str(document["code"]),
            versions=dict(document["versions"]),
            seconds=float(document["seconds"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no certificate: {error}") from error


def certificate_evidence(certificate: Certificate, *, started_at: datetime) -> Evidence:
    """Return the proof of a certification."""
    return Evidence(
        kind=CERTIFICATE_KIND,
        subject=certificate.method.value,
        verdict=Verdict.PASS if certificate.is_green else Verdict.FAIL,
        figures={"certificate": to_document(certificate), "id": id_of(certificate)},
        inputs={"code": certificate.code},
        tools={name: certificate.versions[name] for name in ("numpy", "scipy")},
        started_at=started_at,
        duration_seconds=certificate.seconds,
        valid_for=_VALID_FOR,
        simulated=("readers of the certification",),
    )


def certificates_of(records: Iterable[Record]) -> tuple[Certificate, ...]:
    """Return the certificates of the ledger, the oldest first; what cannot be read is left out."""
    found = []
    for record in sorted(records, key=lambda each: each.sequence):
        if record.kind != CERTIFICATE_KIND:
            continue
        try:
            found.append(from_document(record.figures["certificate"]))
        except (ValueError, KeyError):
            continue
    return tuple(found)
