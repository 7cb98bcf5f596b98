"""One file per Lambda function, thin."""
