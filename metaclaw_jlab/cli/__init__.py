"""The `metaclaw` command: parse, call, show. Every command is a module of its own, loaded when it is asked for."""
