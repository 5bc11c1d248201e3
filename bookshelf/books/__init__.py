"""Books: what is catalogued, each by one author."""
