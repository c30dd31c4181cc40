"""The documentation as a whole: its site, the pages that are rendered, and the commands that pages tell people to type."""
