"""Run every benchmark: `python -m tests.benchmarks`, or `make bench`."""

import sys

from tests.benchmarks.runner import main

sys.exit(main())
