"""To and from other programs, each an optional extra that is imported when it is used."""
