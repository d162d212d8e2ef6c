"""From facts to requests and answers."""
