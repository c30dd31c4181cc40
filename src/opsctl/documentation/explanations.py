"""What the codes of the documentation mean."""

EXPLANATIONS = {
    "DOC001": """The site of the documentation cannot be built: MkDocs or its theme is missing.

They are in the dependency group `docs`: `make setup` in a checkout installs them with everything else.""",
    "DOC002": """The pages of the documentation are not here.

An installed package carries the runbooks along, but not the other pages: they are in the checkout, and `opsctl docs build`
builds those of the checkout that this opsctl runs from.""",
    "DOC003": """MkDocs warned while it built the site: a link or an anchor leads nowhere, or a page is in no place of the navigation.

The navigation stands in `mkdocs.yml`; `folder/*` there stands for every page of a folder. A link is written as the path of
the file from the page, such as `../alerts.md#proofs`, so that it works where the repository is read, too.""",
    "DOC004": """A page that is rendered from the code is not what the code renders now.

Run `make docs` (for the schemas of books `make schemas`), read the difference, and commit it with the change.""",
    "DOC005": """A page tells people to type a command that would not work: a verb, an option or an argument that opsctl does not have, or
the name of a book, a runbook or a code that is not there.

Every command in a block of the kind `console` or `sh`, and in code within a sentence, is held against the real command tree; nothing is run.
What is to be replaced is written in capitals, such as NAME.""",
    "DOC006": """A page of the built site fetches something from another host: a font, a script, a picture.

The site has to work where there is no way out, and to tell nobody who reads it. Put the file into `docs/`.""",
    "DOC007": """The folder that the site should go into holds something else.

Building a site empties its folder, so only one that is new, empty, or an older site is taken.""",
    "DOC008": """Whether a rendered page is what the code renders could not be told: what renders it is not installed.

`make setup` installs everything; without it the verdict stays open.""",
}
