"""What people look at: the summary on the terminal, the status,
the page with its pictures.
"""
