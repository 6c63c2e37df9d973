"""Trust in the authority that signed an API server's certificate."""

from __future__ import annotations

import ssl


def trusting_cluster(verify: ssl.SSLContext | bool) -> ssl.SSLContext | bool:
    """The same, without RFC 5280's demands on the form of certificates.

    Python 3.13 makes them by default, and many clusters' own authorities were made without the extensions that they
    ask for (key usage, authority key identifier). Chain and name are checked as before.
    """
    if isinstance(verify, ssl.SSLContext):
        verify.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return verify
