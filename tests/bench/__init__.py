"""How quick the pages are, beside the quickest that the same machine could be."""
