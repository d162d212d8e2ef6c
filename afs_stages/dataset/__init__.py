"""The data set: splits that never leak, releases, rehearsal, mixes,
the gate, formats.
"""
