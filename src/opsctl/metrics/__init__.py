"""Which metrics are there: the contract that the service, its exporters, alerts and dashboards share."""
