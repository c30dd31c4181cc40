"""Load with planned arrivals: does a service hold a rate, with what latencies, and can the answer be trusted."""
