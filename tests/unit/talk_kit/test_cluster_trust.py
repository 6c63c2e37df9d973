"""An API server is trusted by its authority and its name, whatever form the authority has."""

from __future__ import annotations

import ssl

from talk_kit.cluster_trust import trusting_cluster


def test_form_is_not_judged_but_chain_and_name_are() -> None:
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    trusting_cluster(context)
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_what_is_no_context_stays() -> None:
    assert trusting_cluster(True) is True
