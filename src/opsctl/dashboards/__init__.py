"""Dashboard books: checked, rendered for Grafana, and drawn from a live Prometheus where no Grafana is at hand."""
