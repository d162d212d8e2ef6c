"""What a program's code says: symbols, operands, actions, contracts."""
