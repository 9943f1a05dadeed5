"""Certificates and keys (`pki`), personal fields (`field_encryption`), encrypted files."""
