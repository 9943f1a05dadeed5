"""What goes over the wire: topics, messages, summaries, validated at the edge."""
