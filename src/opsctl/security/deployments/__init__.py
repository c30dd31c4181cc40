"""What of a container's description lets an attacker do more than the program needs: compose, Kubernetes, Dockerfile."""
