"""How Qdrant's own storage engine is served behind the part of Qdrant's REST API that opsctl uses.

One front process owns the port, the catalogue of collections and the aliases; each collection lives in a worker
process of its own, because the engine holds Python's interpreter lock during every call. A write is answered
after the engine has put it into its write-ahead log, so it survives kill -9; a flush to the segments follows at
most one second later. Read consistency and write ordering are accepted and mean nothing here: there is one copy.
"""
