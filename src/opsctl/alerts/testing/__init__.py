"""Rules and routes tested for real: by promtool and amtool, and by rules that are broken on purpose."""
