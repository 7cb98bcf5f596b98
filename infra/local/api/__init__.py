"""What the pages of the local stack ask for, one module for each page."""
