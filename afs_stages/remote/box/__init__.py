"""What runs on the rented machine; standard library only."""
