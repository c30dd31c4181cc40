"""One outside system a module: its calls, timeouts and retries, with every foreign error turned into an `OpsError`."""
