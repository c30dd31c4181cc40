"""How a feed is made: retrieve, score, rank, log the decision, learn from what happened."""
