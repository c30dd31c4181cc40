"""An ordinary locustfile, which runs as it is: users that wait for their answers, so the loop is closed.

    opsctl bench load quick --engine locust --locustfile ops/loads/plain_locustfile.py --users 50

`opsctl` hands over the API key of the load as OPSCTL_AUTHORIZATION; under Locust alone, set it yourself.
"""

import os
import random

from locust import HttpUser, between, task

_USERS = 10_000


class Reader(HttpUser):
    """Opens feeds, and now and then what is trending."""

    host = "http://127.0.0.1:8000"
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Bring the key along."""
        self.client.headers["Authorization"] = os.environ.get("OPSCTL_AUTHORIZATION", "")

    @task(9)
    def feed(self) -> None:
        """Open the feed of some user."""
        self.client.get(f"/v1/feed/{random.randint(1, _USERS)}?limit=20", name="feed")

    @task(1)
    def trending(self) -> None:
        """Look at what everybody looks at."""
        self.client.get("/v1/trending?limit=10", name="trending")
