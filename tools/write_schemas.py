"""Write the JSON Schema of every book into the package, or check that the committed ones are current."""

import sys

from opsctl import assets
from opsctl.cli.wiring import book_models
from opsctl.config.schema import render_schema


def main() -> int:
    """Write, or with `--check` compare; return the exit code."""
    stale = []
    for name, model in book_models().items():
        path = assets.schemas() / f"{name}.json"
        wanted = render_schema(model, name=name)
        if not path.exists() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(
            f"schemas are stale: {', '.join(stale)}\nhint: run `make schemas` and commit the result\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
