"""How are ages and numbers said, so that a person reads them as they would say them?"""

from datetime import timedelta

WHERE_SECRETS_ARE = (
    "put them there with mode 600, or take out of the book what you do not have; or run the audit where the"
    " service runs, as its user"
)
"""What helps where a book names the file of a secret and it is not on this machine."""


def in_days(age: timedelta) -> str:
    """Return an age in whole days.

    >>> in_days(timedelta(days=1, hours=5)), in_days(timedelta(days=400))
    ('1 day', '400 days')
    """
    return counted(age.days, "day")


def counted(count: int, thing: str, *, many: str | None = None) -> str:
    """Return a number with its thing.

    >>> counted(1, "place"), counted(2000, "place"), counted(2, "address", many="addresses")
    ('1 place', '2,000 places', '2 addresses')
    """
    return f"{count:,} {thing if count == 1 else many or thing + 's'}"
