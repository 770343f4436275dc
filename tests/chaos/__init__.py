"""The fault campaign: real parts, two people at work, and trouble at every seam. `python3 dev.py chaos`."""
