"""A process that posts to a journal until it is ended: `python -m tests.service.cache.posting FILE NAME COUNT`."""

import sys
from pathlib import Path

from opsctl.service.cache.journal import InvalidationJournal


def main() -> None:
    """Post numbered marks, two at a time; a count of 0 never ends."""
    journal = InvalidationJournal(Path(sys.argv[1]))
    name, count = sys.argv[2], int(sys.argv[3])
    number = 0
    while not count or number < count:
        journal.post(f"tag:{name}-{number}", f"key:{name}:{number}:{'x' * (number % 150)}")
        number += 1


if __name__ == "__main__":
    main()
