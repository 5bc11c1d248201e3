"""The catalogue as JSON, over the same queries as the pages."""
