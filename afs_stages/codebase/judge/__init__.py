"""Which requests and answers are kept."""
