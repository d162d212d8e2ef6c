"""AFS memory entries and notes."""
