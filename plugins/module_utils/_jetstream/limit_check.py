# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Refuses a declaration as a whole that exceeds a limit of the account. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    DeniedRequestError,
    NatsError,
    NobodyAnswersError,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.account_limits import (
    Account,
    account_from,
    in_doubt,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource, Turn
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.limit_excess import (
    Existing,
    PlannedSteps,
    excesses,
    growth,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import ERRORS, JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# The states in which a resource is created where it is missing.
CREATING_STATES = ("present", "paused", "resumed")


@dataclass(frozen=True)
class LimitCheck:
    """The limits of an account that a declaration may exceed."""

    jetstream: JetStream
    account: Account

    async def refuse(self, outcomes: Sequence[Outcome]) -> None:
        """Raises where the outcomes of check mode exceed a limit. What fails for another reason does not count."""
        planned = [outcome for outcome in outcomes if outcome.steps and not outcome.error]
        if not planned:
            return
        existing = await self._existing(outcomes)
        planned.sort(key=self._turn)
        found = excesses(self.account, existing, [PlannedSteps(entry.item.place, entry.steps) for entry in planned])
        if found:
            alone = len(outcomes) == 1
            remedies = dict.fromkeys(excess.remedy for excess in found)
            raise NatsError(
                outcomes[0].item.title if alone else "the declaration",
                "; ".join(excess.cause for excess in found),
                " ".join([*remedies, "Nothing was changed."]),
                found[0].err_code,
                code=ERRORS[found[0].err_code][0],
            )

    async def _existing(self, outcomes: Sequence[Outcome]) -> Existing:
        """All streams of the account. The server's list leaves out new streams for a moment."""
        infos = {info["config"]["name"]: info for info in await self.jetstream.streams()}
        read = {
            outcome.item.place.stream: outcome.config_before
            for outcome in outcomes
            if outcome.config_before and not outcome.item.place.consumer
        }
        consumers = {name: int((info.get("state") or {}).get("consumer_count") or 0) for name, info in infos.items()}
        return Existing({name: info["config"] for name, info in infos.items()} | read, consumers)

    def _turn(self, outcome: Outcome) -> tuple[Turn, int]:
        """Of the streams that are created or updated, those come first that reserve less than before."""
        turn = outcome.item.turn
        if turn != Turn.STREAMS:
            return turn, 0
        return turn, sign(self.growth(outcome.config_before or None, outcome.config_after or None))

    def growth(self, before: Config | None, after: Config | None) -> int:
        return growth(self.account, before, after)


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


async def limit_check(jetstream: JetStream, declared: Sequence[DeclaredResource]) -> LimitCheck | None:
    """The check of a declaration; None where it can't exceed a limit, or where this user can't ask for the limits."""
    if not any(item.state in CREATING_STATES for item in declared):
        return None
    try:
        account = account_from(await jetstream.account())
    except (DeniedRequestError, NobodyAnswersError):
        # The server will refuse what exceeds a limit.
        return None
    except NatsError as error:
        if error.err_code is None:
            raise
        return None
    return LimitCheck(jetstream, account) if account and in_doubt(account, declared) else None
