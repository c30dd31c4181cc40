"""Which files put it on real machines: compose, Kubernetes, the edge, the vector cluster?"""
