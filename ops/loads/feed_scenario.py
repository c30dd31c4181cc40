"""A journey with planned beginnings: a user opens the feed, looks at an item, and tells that it was watched.

    opsctl bench load quick --engine locust --locustfile ops/loads/feed_scenario.py --rate 20

Each arrival is one journey, begun when the book plans it (here 20 a second), whether or not the ones before have
ended; its later steps follow the answers. Under Locust alone (`locust -f ops/loads/feed_scenario.py`) the attributes
below say when.
"""

import random
import uuid
from datetime import UTC, datetime

from opsctl.bench.load.book import Steady
from opsctl.bench.locust.open_loop_user import OpenLoopUser, Session

_USERS = 10_000


class FeedJourney(OpenLoopUser):
    """Feed, then the first item, then an interaction with it."""

    host = "http://127.0.0.1:8000"
    arrivals = (Steady(shape="poisson", rate=20, duration="30s"),)

    def arrive(self, session: Session, number: int) -> None:
        """Make one journey; a step that fails ends it."""
        user = random.Random(number).randint(1, _USERS)
        feed = session.get(f"/v1/feed/{user}?limit=20", name="feed")
        items = feed.json()["items"] if feed.is_good else []
        if not items:
            return
        item = items[0]["id"]
        if session.get(f"/v1/content/{item}", name="content").is_good:
            seen = {
                "idempotency_key": str(uuid.uuid4()),
                "kind": "view",
                "user_id": user,
                "content_id": item,
                "occurred_at": datetime.now(UTC).isoformat(),
                "feed_id": feed.json()["feed_id"],
            }
            session.post("/v1/interactions", body={"interactions": [seen]}, name="interaction")
