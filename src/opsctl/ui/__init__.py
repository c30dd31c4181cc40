"""How values look to people and programs: tables, progress, errors and JSON documents."""
