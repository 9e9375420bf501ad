"""The learning loops: failures become skills beside the user's work."""
