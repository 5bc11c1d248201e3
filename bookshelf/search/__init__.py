"""Search: one box over authors and books."""
