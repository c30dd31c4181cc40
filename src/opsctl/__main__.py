"""The entry of `opsctl` and `python -m opsctl`."""

import sys


def main() -> None:
    """Run the command line; `--version` alone answers before anything heavy is imported."""
    if sys.argv[1:] in (["--version"], ["version"]):
        from opsctl import __version__

        sys.stdout.write(f"opsctl {__version__}\n")
        return
    from opsctl.cli.app import app
    from opsctl.cli.exit import run

    run(app)


if __name__ == "__main__":
    main()
