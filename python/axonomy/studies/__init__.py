"""Studies: many runs from one file, their statistics and their report. They need ``axonomy[study]``."""
