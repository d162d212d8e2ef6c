"""The front doors of the pipeline: one script for each stage of dvc.yaml,
by the same name.
"""
