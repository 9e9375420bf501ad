"""What can be asked under /metaclaw/api, by subject; all of it in `routes`."""
