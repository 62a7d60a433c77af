"""The sandbox network: a social network of one process, to try Socialops on and to test it against. Not a real network.

A plain HTTP server with its state in memory. It imports no app, and no app imports it: they meet over a socket only.

    python -m socialops.sandbox --port 8790 --state .local/sandbox.journal

/api/v1/...  what a connector calls          /@handle  what a visitor sees
/_...        the backstage: make accounts, speak as a visitor, plan faults, read what arrived
"""
