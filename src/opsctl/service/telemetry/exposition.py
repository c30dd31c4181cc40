"""In which format does whoever scrapes get the metrics: OpenMetrics with exemplars where asked for, else plain text."""

from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.meters import Meters

_OPENMETRICS = b"application/openmetrics-text"


class Exposition:
    """Call it with what a client accepts, in a thread: files are read."""

    def __init__(self, meters: Meters, exemplars: Exemplars | None) -> None:
        self._meters = meters
        self._exemplars = exemplars

    def __call__(self, accept: bytes) -> tuple[bytes, bytes]:
        """Return the body and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST
        from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS_TYPE

        if self._exemplars is not None and _OPENMETRICS in accept:
            page = self._meters.render_openmetrics(self._exemplars)
            if page is not None:
                return page, OPENMETRICS_TYPE.encode()
        return self._meters.render(), CONTENT_TYPE_LATEST.encode()
