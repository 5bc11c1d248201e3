"""What Alembic runs for every command; the logic is where it can be tested."""

from bookshelf.schema import runner

runner.run()
