"""Where samples come from: one folder for each tool, found by name, built in or from
another package.
"""
