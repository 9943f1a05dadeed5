"""What commands share: options, secrets that are typed, findings of a check."""
