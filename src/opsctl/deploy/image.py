"""From what is the image of the service built?"""

from collections.abc import Mapping

from opsctl.deploy.book import DeployBook
from opsctl.deploy.compose import layout_values
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.templating import HEADER, render


def render_image(book: DeployBook, facts: ProjectFacts, *, image: str) -> Mapping[str, str]:
    """Return the folder that an image is built in."""
    values = {
        **layout_values(),
        "images": book.images,
        "image": image,
        "version": facts.version,
        "extras": facts.extras,
    }
    return {
        "Dockerfile": render("image/Dockerfile", values),
        "constraints.txt": f"# {HEADER}\n{facts.constraints}",
        # Only what is named goes into the build.
        ".dockerignore": f"# {HEADER}\n*\n!constraints.txt\n",
    }
