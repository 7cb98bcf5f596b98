"""`make deploy`: looks at everything a deployment needs, says what is missing with the fix, and runs `sam deploy`."""
