"""Commands of `opsctl experiments`: books, starts, assignment, and whatever else registers itself here."""

from opsctl.cli import (
    experiments_analyze,
    experiments_assign,
    experiments_books,
    experiments_certify,
    experiments_export,
    experiments_readers,
    experiments_replay,
    experiments_report,
    experiments_running,
    experiments_simulate,
)
from opsctl.cli.options import group

app = group(
    "Experiments: who gets which arm, for how long, and what decides; a book is fixed once its experiment has started."
)

experiments_books.register(app)
experiments_running.register(app)
experiments_assign.register(app)
experiments_certify.register(app)
experiments_simulate.register(app)
experiments_analyze.register(app)
experiments_export.register(app)
experiments_replay.register(app)
experiments_report.register(app)
experiments_readers.register(app)
