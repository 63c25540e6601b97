"""Files of a shop, as rows."""
