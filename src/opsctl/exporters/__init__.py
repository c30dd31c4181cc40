"""Exporters: figures that no worker of the service counts (readers, vectors, proofs), told to Prometheus."""
