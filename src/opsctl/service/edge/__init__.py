"""The edge: keys, limits, stored answers, before any framework is asked."""
