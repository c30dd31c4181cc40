"""How is an age of weeks or months said, where hours would tell nobody anything?"""

from datetime import timedelta


def in_days(age: timedelta) -> str:
    """Return an age in whole days.

    >>> in_days(timedelta(days=1, hours=5)), in_days(timedelta(days=400))
    ('1 day', '400 days')
    """
    return f"{age.days} day" + ("" if age.days == 1 else "s")
