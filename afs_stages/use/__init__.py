"""A trained version in use: merged, as GGUF, in a chat, behind a server."""
