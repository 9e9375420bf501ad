"""`python -m metaclaw_jlab.jupyter.server`, which is `jupyter metaclaw`."""

from metaclaw_jlab.jupyter.server.app import main

main()
