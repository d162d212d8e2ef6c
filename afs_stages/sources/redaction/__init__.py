"""Secrets and personal data out of text, before it leaves a source.

Works on decoded strings. Each module finds what one kind of evidence tells:

- `vendor_keys`: the form that a vendor gives its keys (a library knows them);
- `private_keys`: headers and bodies of private keys;
- `assignments`: a name beside a value, by the name's words (`names`) and the value's
  shape (`values`);
- `logins`: forms of their own, such as `user:password@` and cookies;
- `people`: e-mail addresses, accounts, names, numbers of cards and banks;
- `encoded`: whatever hides one of these.

`redactor` puts a mark in the place of each. No input makes it run long: every pattern
is bounded in length, and begins with a literal or is tried at few places.
"""

from afs_stages.sources.redaction.private_keys import LONGEST
from afs_stages.sources.redaction.redactor import Redactor, spans

__all__ = ["LONGEST", "Redactor", "spans"]
