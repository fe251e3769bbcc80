"""`navi-bot check`: which parts there are to look at."""

import os
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from navi_bot.app import accounts
from navi_bot.app.calendar import calendar_of
from navi_bot.app.catalogue import profiles_of, registry_of
from navi_bot.app.hosts import Hosts, configured_hosts
from navi_bot.app.stores import opened_store
from navi_bot.doctor import Probe
from navi_bot.probes import (
    adapter_probe,
    calendar_probe,
    database_probe,
    folder_probe,
    model_host_probe,
    model_probe,
    profiles_probe,
    settings_probe,
)
from navi_bot.settings import Settings, chosen_adapters, variables


def probes(settings: Settings) -> tuple[Probe, ...]:
    """Return a probe for each part that is configured."""
    profiles = profiles_of(settings, registry_of(settings))
    model = settings.model or profiles.default.model
    found = [
        settings_probe(os.environ, variables()),
        folder_probe(settings.data_dir),
        database_probe(lambda: opened_store(settings)),
        _on_hosts(settings, lambda hosts: model_host_probe(hosts.main, hosts.address)),
        _on_hosts(settings, lambda hosts: model_probe(hosts.main, model, settings.ollama_num_ctx)),
        profiles_probe([profile.id for profile in profiles.all()], profiles.problems),
    ]
    if calendar := calendar_of(settings):
        found.append(calendar_probe(calendar))
    if "telegram" in chosen_adapters(settings):
        found.append(adapter_probe(accounts.telegram(settings)))
    if "matrix" in chosen_adapters(settings):
        found.append(adapter_probe(accounts.matrix(settings)))
    return tuple(found)


def _on_hosts(settings: Settings, probe_of: Callable[[Hosts], Probe]) -> Probe:
    """Return a probe with model hosts of its own, which it closes."""
    hosts = configured_hosts(settings)
    probe = probe_of(hosts)

    async def check() -> str:
        async with aclosing(hosts):
            return await probe.check()

    return replace(probe, check=check)
