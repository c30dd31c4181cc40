"""How does evidence that is missing or stale get made: planned, run one command after the other, resumed after a kill?"""
