"""The schema: how migrations run, and where code and database stand."""
