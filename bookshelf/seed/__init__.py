"""The catalogue that a newcomer sees first."""
