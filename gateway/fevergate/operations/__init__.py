"""What an operator runs: doctor, status, backup, close."""
