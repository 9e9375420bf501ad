"""The server side: the extension, the host, and the proxy for other agents."""
