"""`tools/make-deb`: the gateway as a Debian package."""
