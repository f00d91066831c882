"""Studies: many runs compared, and what is measured on them."""
