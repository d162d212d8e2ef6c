"""What every room stands on: the sample, JSONL, parameters, reports, progress,
errors, paths.
"""
