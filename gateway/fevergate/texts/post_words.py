"""A lamp post's name as people read it, without saying twice what it is or where it stands."""

import re

from fevergate.texts.translations import N_, Say, both


def post_in_words(post: str, gate: str, say: Say) -> str:
    """A lamp post and its gate by their names, such as "Lamp post left of North gate". A post
    called "North gate lamp post" is given by its name alone."""
    if names_its_kind(post):
        return post if _names(post, gate) else say("{post} of {gate}", post=post, gate=gate)
    if _names(post, gate):
        return say("Lamp post {post}", post=post)
    return say("Lamp post {post} of {gate}", post=post, gate=gate)


def names_its_kind(post: str) -> bool:
    """Whether a lamp post's name says that it is one."""
    return any(kind.lower() in post.lower() for kind in both(N_("Lamp post")))


def _names(post: str, gate: str) -> bool:
    """Whether a post's name contains its gate's name, not as part of a longer word of Latin letters
    or digits."""
    word = rf"(?<![a-z0-9]){re.escape(gate.lower())}(?![a-z0-9])"
    return re.search(word, post.lower()) is not None
