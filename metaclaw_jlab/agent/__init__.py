"""The agent: builds prompts, reads replies, and runs a task step by step."""
