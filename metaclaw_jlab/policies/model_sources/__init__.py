"""Where a local model's bytes come from: a path, the hub, wheels of the package index."""
