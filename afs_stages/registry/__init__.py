"""The registry of trained versions: their records, cards and headline figures."""
