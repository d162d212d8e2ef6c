"""Judging whether assembly is genuine: pairs, n-gram model, ELECTRA, cross-fitting,
calibration.
"""
