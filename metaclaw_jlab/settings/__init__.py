"""Configuration: the value of each setting and where it came from, the addresses of endpoints, and their keys."""
