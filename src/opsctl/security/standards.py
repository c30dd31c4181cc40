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
    "V1.2.4": (1, "no injection into database queries"),
    "V1.2.5": (1, "no injection into commands of the system"),
    "V1.5.2": (2, "no unsafe loading of untrusted data"),
    "V2.2.1": (1, "input is held against what is expected of it"),
    "V2.4.1": (2, "limits for whoever calls too often"),
    "V3.4.1": (1, "HSTS for a year on all answers over TLS"),
    "V3.4.2": (1, "origins of other pages only from a fixed list"),
    "V3.4.3": (2, "a content security policy that loads nothing by default"),
    "V3.4.4": (2, "no guessing of content types by browsers"),
    "V3.4.5": (2, "a referrer policy"),
    "V3.4.6": (2, "no framing by other pages"),
    "V3.5.2": (1, "no way past the preflight of a browser"),
    "V4.1.1": (1, "a content type, with its charset, for every body"),
    "V4.1.3": (2, "headers of proxies cannot be set by clients"),
    "V4.2.1": (2, "where a message ends is never in doubt"),
    "V8.2.1": (1, "operations only for those who may"),
    "V8.2.2": (1, "data only for those who may, object by object"),
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
    "V14.3.2": (2, "caches do not keep what they must not"),
    "V15.1.1": (1, "a time by which vulnerable components are updated"),
    "V15.2.1": (1, "no component that is overdue for its update"),
    "V15.2.2": (2, "no loss of availability by requests that cost much"),
    "V15.2.3": (2, "nothing runs in production that it does not need"),
    "V16.2.5": (2, "no credentials in logs"),
    "V16.4.2": (2, "logs cannot be read or changed by others"),
    "V16.5.1": (2, "errors that tell nothing of the inside"),
}
"""Requirement to level and, in our words, what it asks; source: the CSV of OWASP/ASVS, release 5.0.0."""
