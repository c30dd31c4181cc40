"""Which rows of the standards do the checks answer to: OWASP Top 10:2025 and ASVS 5.0.0, in our words."""

OWASP_EDITION = "OWASP Top 10:2025"
ASVS_EDITION = "ASVS 5.0.0"

OWASP = {
    "A01": "Broken Access Control",
    "A02": "Security Misconfiguration",
    "A03": "Software Supply Chain Failures",
    "A04": "Cryptographic Failures",
    "A05": "Injection",
    "A06": "Insecure Design",
    "A07": "Authentication Failures",
    "A08": "Software or Data Integrity Failures",
    "A09": "Security Logging and Alerting Failures",
    "A10": "Mishandling of Exceptional Conditions",
}
"""The names are OWASP's own; source: owasp.org/Top10/2025."""

ASVS: dict[str, tuple[int, str]] = {
    "V11.1.1": (2, "a policy for the life of keys; none shared by many"),
    "V11.4.1": (1, "only approved hash functions where it matters"),
    "V12.2.1": (1, "TLS between clients and services that face outward"),
    "V12.3.1": (2, "encryption on every connection, databases and monitoring included"),
    "V12.3.2": (2, "clients check the certificates of servers"),
    "V12.3.3": (2, "TLS between internal HTTP services"),
    "V13.2.2": (2, "accounts and processes with the least rights they need"),
    "V13.2.3": (2, "no default credentials between services"),
    "V13.3.1": (2, "secrets are managed, and are in no source or build"),
    "V13.3.2": (2, "least privilege for who reads secrets"),
    "V13.4.5": (2, "documentation and monitoring endpoints are not exposed by accident"),
    "V14.2.1": (1, "no secret in a URL"),
    "V15.1.1": (1, "a time by which vulnerable components are updated"),
    "V15.2.1": (1, "no component that is overdue for its update"),
    "V15.2.3": (2, "nothing runs in production that it does not need"),
    "V16.2.5": (2, "no credentials in logs"),
    "V16.4.2": (2, "logs cannot be read or changed by others"),
}
"""Requirement to level and, in our words, what it asks; source: the CSV of OWASP/ASVS, release 5.0.0."""
