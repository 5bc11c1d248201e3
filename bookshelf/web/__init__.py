"""What every page shares: forms, lists, errors, rendering."""
