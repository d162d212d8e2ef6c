"""What a trained adapter is measured by: losses on frozen test sets, tasks,
forgetting, gates.
"""
