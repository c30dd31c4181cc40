"""Alert and SLO books: checked, rendered for Prometheus and Alertmanager, tested, and proven to arrive in time."""
