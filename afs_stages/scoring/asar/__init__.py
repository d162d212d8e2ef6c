"""asar, the user's own, in sandboxed worker processes: untrusted snippets in,
three states out.
"""
