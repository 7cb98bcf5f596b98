"""One module per kind of step: load, ask the domain, commit, act."""
