"""What the service tells about itself: metrics, one line a request, the waterfall of stages."""
