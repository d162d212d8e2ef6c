"""A project: the folder with dvc.yaml and params.yaml in which one person's models are
built, and its bond to the package that builds them.
"""
