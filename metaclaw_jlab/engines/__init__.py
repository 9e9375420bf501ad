"""Everything that needs torch or transformers: the local policy server and the embedded model."""
