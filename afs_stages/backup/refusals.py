"""What Google, rclone and the disk say when they refuse, and what to do about it."""

from __future__ import annotations

from afs_stages.core.errors import UserError

REFUSALS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        (
            "app is blocked",
            "access_blocked",
            "disallowed_useragent",
            "admin_policy_enforced",
        ),
        "Google blocks this OAuth application",
        "use a client of your own (docs/backups.md, 'Your own client'): "
        "afs backup setup --folder-id ID --client-id … --client-secret …",
    ),
    (
        ("do not have storage quota", "does not have storage quota"),
        "a service account has no storage of its own",
        (
            "give it a folder on a Shared Drive, let it act for a person "
            "(--service-account-user), or use your own client"
        ),
    ),
    (
        ("storagequotaexceeded", "quotaexceeded", "storage quota"),
        (
            "the Drive is full (a service account outside a Shared Drive has no "
            "storage at all)"
        ),
        (
            "free space or buy some, then run the push again; `afs backup cleanup "
            "--keep N` removes old archives"
        ),
    ),
    (
        ("dailylimitexceeded", "ratelimitexceeded"),
        "Google's rate limit holds after every retry",
        "wait an hour and run the command again: it goes on where it stopped",
    ),
    (
        (
            "invalid_grant: token has been expired",
            "expired or revoked",
            "invalid_grant: bad request",
        ),
        (
            "the stored login has run out: an OAuth app in status 'Testing' gets "
            "tokens for 7 days"
        ),
        "publish the app (Google Cloud console, OAuth consent screen, 'Publish app'), "
        "delete the credentials file and run `afs backup setup` again",
    ),
    (
        (
            "invalid jwt signature",
            "invalid_grant",
            "invalid_client",
            "unauthorized_client",
            "failed to authenticate",
        ),
        "Google does not accept the credentials",
        (
            "check client id and secret, or that the service account's key still "
            "exists; then run `afs backup setup` again"
        ),
    ),
    (
        (
            "insufficientfilepermissions",
            "insufficient permissions",
            "insufficientpermissions",
        ),
        "the account may not write here",
        "share the folder with it as Editor (on a Shared Drive: Content manager)",
    ),
    (
        (
            "filenotfound",
            "file not found",
            "confirm",
            "directory not found",
            "notfound",
        ),
        "the folder does not exist, or is not shared with this account",
        (
            "open the folder in a browser and copy the id behind /folders/; "
            "share it with the account as Editor"
        ),
    ),
    (
        ("didn't find section in config file",),
        "rclone has no remote of that name",
        "see `rclone listremotes`; make one with `rclone config`",
    ),
    (
        ("no space left on device", "disk quota exceeded", "file too large"),
        "the disk is full",
        (
            "free space, then run the command again: nothing that was safe "
            "before is touched"
        ),
    ),
    (
        (
            "unable to find the server",
            "name or service not known",
            "connection refused",
            "timed out",
            "unreachable",
        ),
        "there is no connection to the target",
        "check the network and run the command again: it goes on where it stopped",
    ),
)
"""(what the message contains, what it means, what to do)"""


def explain(message: str, where: str) -> UserError:
    """The error for a refusal: its meaning and remedy if known,
    always with the original words.
    """
    low = message.lower()
    for needles, meaning, fix in REFUSALS:
        if any(needle in low for needle in needles):
            return UserError(
                f"{meaning}\n  it said: {_short(message)}", where=where, fix=fix
            )
    return UserError(_short(message), where=where)


def _short(message: str, length: int = 300) -> str:
    line = " ".join(message.split())
    return line if len(line) <= length else line[:length] + " …"
