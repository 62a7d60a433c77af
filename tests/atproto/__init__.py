"""A real AT Protocol network on loopback, one for a whole test run; see network.py."""
