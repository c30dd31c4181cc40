"""How opsctl is told what to do: settings with their origins, and books that are checked as a whole."""
