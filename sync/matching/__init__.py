"""Which records of two populated systems describe the same thing: scored, with reasons, by evidence that does not depend
on one another. Knows no system; the only file it writes is its own scratch file.
"""
