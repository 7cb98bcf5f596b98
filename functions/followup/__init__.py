"""Follow-up: texts after infusions, read replies, answer danger, flag boosters, tell clinicians."""
