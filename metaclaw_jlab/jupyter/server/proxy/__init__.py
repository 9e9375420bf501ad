"""The proxy for other agents: requests, dialects, and what becomes of them."""
