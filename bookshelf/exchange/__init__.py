"""Writing files that other programs read."""
