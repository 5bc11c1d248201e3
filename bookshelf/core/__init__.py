"""What every feature stands on, and nothing that knows of HTTP."""
