"""Can a record be of the time that it says?"""

from datetime import datetime, timedelta

from opsctl.evidence.model import Record

# Clocks of machines differ, and one that is set right goes back a little; a record of tomorrow is none of today.
_MOST_AHEAD = timedelta(minutes=5)


def is_of_the_future(record: Record, *, now: datetime) -> bool:
    """Tell whether a record says that it was made later than now: until then, nobody knows how long it holds."""
    return record.recorded_at > now + _MOST_AHEAD
