"""What do the codes of experiments mean."""

from opsctl.experiments.book_explanations import EXPLANATIONS as BOOKS
from opsctl.experiments.certify.explanations import EXPLANATIONS as CERTIFY
from opsctl.experiments.learners.explanations import EXPLANATIONS as LEARNERS
from opsctl.experiments.simulator.explanations import EXPLANATIONS as SIMULATOR
from opsctl.experiments.statistics.explanations import EXPLANATIONS as STATISTICS
from opsctl.experiments.warehouse.explanations import EXPLANATIONS as WAREHOUSE

EXPLANATIONS = BOOKS | WAREHOUSE | STATISTICS | LEARNERS | SIMULATOR | CERTIFY
