"""A clinic's exports, read and judged row by row. Touches no store: rows in, good rows and named problems out."""
