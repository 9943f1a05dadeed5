"""Where the red light is decided and lit."""
