"""The API behind the edge: typed, documented, nothing but translation between HTTP and the feed."""
