"""Where samples come from: one module per source, found by name, built in or from
another package.
"""
