"""With which certificates is an `https` target trusted, and what is said when it is not."""

import ssl

from opsctl.bench.load.ports import Address
from opsctl.bench.load.tally import Outcome


def context_for(address: Address) -> ssl.SSLContext | None:
    """Return how to encrypt, or None for a plain target; its own certificates are trusted besides the system's."""
    if not address.is_tls:
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if address.ca_file is not None:
        context.load_verify_locations(cafile=address.ca_file)
    return context


def connection_fault(error: Exception) -> tuple[Outcome, str]:
    """Return what a connection that could not be made is counted as, and why in a few words."""
    match error:
        case ssl.SSLCertVerificationError():
            return Outcome.TLS_FAILED, f"certificate: {error.verify_message}"
        case ssl.SSLError():
            return Outcome.TLS_FAILED, f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
        case ConnectionRefusedError():
            return Outcome.REFUSED, "connection refused"
        case TimeoutError():
            return Outcome.REFUSED, "no connection in time"
        case OSError():
            return Outcome.REFUSED, f"no connection: {error.strerror or type(error).__name__}".lower()
        case _:
            return Outcome.REFUSED, f"no connection: {type(error).__name__}"
