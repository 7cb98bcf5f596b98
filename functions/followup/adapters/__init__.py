"""Fulfil the ports: DynamoDB, Twilio, SES, SQS, Secrets Manager, each with an in-memory twin."""
