"""AFS history events."""
