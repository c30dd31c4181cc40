"""The command line: parse, wire, call one function, show, record, exit."""
