"""vast.ai through its SDK, with the service's habits tamed.

Reading calls and destroying are repeated until they get through or patience ends.
Renting is tried exactly once: after any doubt (a lost reply, a 5xx) the list of
machines decides, because the SDK's own retry would rent twice. A machine counts as gone
only when the service itself shows nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from afs_stages.core.errors import UserError
from afs_stages.core.params.remote import Timing
from afs_stages.remote.clock import Clock, SystemClock
from afs_stages.remote.inbox import clean

T = TypeVar("T")
KEY_HELP = (
    "make a key at https://cloud.vast.ai/manage-keys/ and store it: "
    "vastai set api-key YOUR_KEY"
)


class OfferGone(Exception):
    """The offer was taken by someone else, or the service refused it;
    another may do.
    """


class OutcomeUnknown(Exception):
    """A call that may or may not have had its effect."""


class ServiceTimeout(UserError):
    """The service did not answer within the patience set."""


FIELDS: dict[str, tuple[str, Any]] = {
    "label": ("label", ""),
    "status": ("actual_status", "created"),
    "intended": ("intended_status", ""),
    "host": ("ssh_host", ""),
    "port": ("ssh_port", 0),
    "dph": ("dph_total", 0.0),
    "message": ("status_msg", ""),
}
"""Field of an instance -> (its name in the API's row,
what it is where the row has null).
"""


@dataclass(frozen=True)
class Instance:
    """One rented machine as the service shows it."""

    id: int
    label: str
    status: str
    intended: str
    host: str
    port: int
    dph: float
    message: str = ""

    @classmethod
    def read(cls, row: dict[str, Any]) -> Instance:
        """A machine from a row of the API, any field of which may be null."""
        known = {
            field: row.get(name) or default for field, (name, default) in FIELDS.items()
        }
        known["id"], known["port"] = int(row["id"]), int(known["port"])
        known["dph"] = float(known["dph"])
        # Part of it is what the host's docker said.
        known["message"] = clean(known["message"])
        return cls(**known)


class Service:
    """The few calls a job needs.
    Raises `UserError` for a wrong key or an empty account.
    """

    def __init__(
        self, timing: Timing, clock: Clock | None = None, url: str | None = None
    ) -> None:
        self.timing, self.clock = timing, clock or SystemClock()
        self._sdk = _connect(url)
        self.url = str(self._sdk.client.server_url)

    def search(
        self, query: dict[str, Any], disk: float, interruptible: bool
    ) -> list[dict[str, Any]]:
        """Offers that answer a query, cheapest first; prices include `disk` GB."""
        kind = "bid" if interruptible else "on-demand"
        return self._patient(
            lambda: list(
                self._sdk.search_offers(
                    query=dict(query),
                    type=kind,
                    order="dph_total",
                    limit=64,
                    storage=disk,
                )
                or []
            )
        )

    def create(self, offer: int, **wanted: Any) -> int:
        """Rent an offer, in one attempt.
        Raises `OfferGone`, or `OutcomeUnknown` where a machine may be running.
        """
        import requests

        waited = 0.0
        while True:
            try:
                reply = self._sdk.create_instance(offer, **wanted)
                contract = reply.get("new_contract")
                if not contract:
                    raise OfferGone(
                        str(reply.get("msg") or reply.get("error") or "refused")
                    )
                return int(contract)
            except requests.RequestException as error:
                status = _status(error)
                if status == 429 and waited < self.timing.api_patience / 4:
                    waited += self._pause(self.timing.api_gap)
                    continue
                if status == 0 or status >= 500:
                    raise OutcomeUnknown(_reason(error)) from error
                raise _refusal(error, status) from error

    def mine(self, prefix: str) -> list[Instance]:
        """Every machine of the account whose label starts with `prefix`."""
        rows: list[dict[str, Any]] = []
        params: dict[str, Any] = {
            "select_filters": {},
            "order_by": [{"col": "id", "dir": "asc"}],
            "limit": 25,
        }
        while True:
            page = self._patient(lambda: self._sdk.show_instances_v1(dict(params)))
            rows += page.get("instances") or []
            if not page.get("next_token"):
                break
            params["after_token"] = page["next_token"]
        return [
            Instance.read(row)
            for row in rows
            if (row.get("label") or "").startswith(prefix)
        ]

    def show(self, id: int) -> Instance | None:
        """A machine by number, None when the service says it is gone.

        Asked through the SDK's client, since `show_instance` fails on machines
        that never started.
        """
        row = self._patient(
            lambda: _body(
                self._sdk.client.get(f"/instances/{id}/", query_args={"owner": "me"})
            )
        )
        found = row.get("instances")
        return Instance.read(found) if found else None

    def start(self, id: int) -> None:
        """Ask for a stopped machine to run again."""
        self._patient(lambda: self._sdk.start_instance(id), gone=True)

    def destroy(self, id: int) -> bool:
        """Destroy a machine; True only when the service shows it gone, False when
        patience ended first.
        """
        end = self.clock.now() + self.timing.api_patience
        while True:
            try:
                self._patient(lambda: self._sdk.destroy_instance(id), gone=True)
                if self.show(id) is None:
                    return True
            except ServiceTimeout:
                pass
            if self.clock.now() >= end:
                return False
            self._pause(self.timing.api_gap)

    def register_key(self, public_key: str) -> None:
        """Have machines rented from now on accept this ssh key;
        a key already there is left alone.
        """
        known = self._patient(self._sdk.show_ssh_keys)
        rows = (
            known
            if isinstance(known, list)
            else list(known.get("ssh_keys") or known.get("keys") or [])
        )
        mine = public_key.split()[:2]
        if not any(
            (row.get("public_key") or row.get("key") or "").split()[:2] == mine
            for row in rows
        ):
            self._patient(lambda: self._sdk.create_ssh_key(public_key))

    def attach_key(self, id: int, public_key: str) -> None:
        """Have one machine accept this ssh key; harmless where it does already."""
        self._patient(lambda: self._sdk.attach_ssh(id, public_key), gone=True)

    def credit(self) -> float | None:
        """Dollars the account can spend; None where the service does not say."""
        user = self._patient(self._sdk.show_user)
        values = [
            float(user[name])
            for name in ("credit", "balance")
            if user.get(name) is not None
        ]
        return max(values) if values else None

    def _patient(self, call: Callable[[], T], gone: bool = False) -> T:
        """Repeat an idempotent call through 429, 5xx and lost connections; `gone`: 404
        and 410 are fine too.
        """
        import requests

        end, pause = self.clock.now() + self.timing.api_patience, self.timing.api_gap
        while True:
            try:
                return call()
            except requests.RequestException as error:
                status = _status(error)
                if gone and status in (404, 410):
                    return {}  # type: ignore[return-value]
                if not (status in (0, 429) or status >= 500):
                    raise _refusal(error, status) from error
                if self.clock.now() >= end:
                    raise ServiceTimeout(
                        f"vast.ai did not answer for {self.timing.api_patience:.0f} s "
                        f"({_reason(error)})",
                        fix="run the command again: it picks up where it stopped; "
                        "`afs vastai monitor` shows machines",
                    ) from error
                pause = min(60.0, pause + self._pause(pause))

    def _pause(self, seconds: float) -> float:
        self.clock.sleep(seconds)
        return seconds


def _connect(url: str | None) -> Any:
    """The SDK, without its own retries: they would rent twice after a lost reply."""
    import os

    from vastai import VastAI

    try:
        return VastAI(retry=1, server_url=url or os.environ.get("VAST_URL") or None)
    except RuntimeError:
        raise UserError(
            "no vast.ai API key found on this computer", fix=KEY_HELP
        ) from None


def _status(error: Exception) -> int:
    """HTTP status of a failed call, 0 where no (readable) answer came."""
    response = getattr(error, "response", None)
    return 0 if response is None or response.ok else int(response.status_code)


def _body(response: Any) -> dict[str, Any]:
    response.raise_for_status()
    return dict(response.json())


def _reason(error: Exception) -> str:
    """What the service said, without anything secret in it."""
    response = getattr(error, "response", None)
    if response is None:
        return type(error).__name__
    return (
        f"HTTP {response.status_code}: {' '.join((response.text or '').split())[:200]}"
    )


def _refusal(error: Exception, status: int) -> Exception:
    """A refusal as the user reads it, or `OfferGone` where only this
    offer is refused.
    """
    if status in (401, 403):
        return UserError(
            f"vast.ai refused the API key ({_reason(error)})", fix=KEY_HELP
        )
    if status == 402 or (status == 400 and "credit" in _reason(error).lower()):
        return UserError(
            f"the vast.ai account has no credit left ({_reason(error)})",
            fix="add credit at https://cloud.vast.ai/billing/ and run the command "
            "again; nothing is lost",
        )
    return (
        OfferGone(_reason(error))
        if status in (400, 404, 410)
        else UserError(f"vast.ai: {_reason(error)}")
    )
