"""Bookshelf: a catalogue of authors and books; `bookshelf/app.py` is where to start reading."""
