"""MetaClaw-Bench (arXiv 2603.17187): its format, its rules of scoring, and days run against any policy."""
