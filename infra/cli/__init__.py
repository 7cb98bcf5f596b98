"""The command line `followup`: clinics, imports, previews, alerts and retries, on the local stack or a deployed one."""
