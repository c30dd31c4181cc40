"""Do our statistics keep their promises: error rates, coverage and power of each method, measured by simulation."""
