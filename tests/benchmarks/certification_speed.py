"""How long does the certification of one method take: 10,000 experiments without an effect, and as many with one?

    python -m tests.benchmarks.certification_speed [--method mean]

It must end within two minutes. What is measured of the method is that of its certificate: the seed is the same.
"""

import argparse

from tests.benchmarks.rows import at_most, tell

from opsctl.experiments.certify.document import id_of
from opsctl.experiments.certify.model import Figure
from opsctl.experiments.certify.promises import REPLICATIONS
from opsctl.experiments.certify.run import all_trials, certify
from opsctl.experiments.statistics.methods import Method

MOST_SECONDS = 120.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default=Method.MEAN.value, choices=[method.value for method in Method])
    method = Method(parser.parse_args().method)
    certificate = certify(all_trials()[method])
    figures = {each.figure: each.value for each in certificate.figures}
    counts = {each.replications for each in certificate.figures}
    print(
        f"`{method}`: false findings {figures[Figure.FALSE_FINDINGS]:.2%} in {max(counts):,} experiments without an effect,"
        f" certificate {id_of(certificate)}, {'kept' if certificate.is_green else 'BROKEN'}"
    )
    row = tell(
        "certification_speed",
        f"certification of one method (`{method}`)",
        certificate.seconds,
        unit="s",
        target=at_most(MOST_SECONDS),
    )
    print(f"  {certificate.seconds:.1f} s for {REPLICATIONS:,}; below {MOST_SECONDS:.0f} s: {row.verdict}")


if __name__ == "__main__":
    main()
