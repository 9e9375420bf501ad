"""The home folder, leases, and finding and starting the other processes. Standard library only: it loads fast."""
