"""A generator that runs elsewhere, behind an OpenAI-compatible address: vLLM, llama.cpp's server, a gateway.

What it writes is checked like any other draft. All waiting is done in an event loop of its own thread, where every
wait can be cut short; callers stay synchronous.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from spreadguide.adapters.circuit_breaker import CircuitBreaker
from spreadguide.adapters.endpoint_exchange import Exchange, request_body
from spreadguide.adapters.endpoint_failures import UNTIL_THEN, EndpointTrouble, too_slow
from spreadguide.adapters.endpoint_settings import EndpointSettings, estimated_tokens
from spreadguide.adapters.llama_settings import GeneratorState, GeneratorStatus
from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Draft, FinishReason, Prompt

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often a caller that waits for text asks whether it was cancelled."""

CLOSE_SECONDS = 3.0
"""Longest wait at the end for open connections to be closed."""

FIRST_LOOK_AGAIN_SECONDS = 1.0
"""Wait before an endpoint that is away is looked at again; it doubles up to ``look_every``."""

LONGEST_RETRY_WAIT_SECONDS = 2.0
"""Longest wait before another attempt: who asks waits too, and quotes are there already. An endpoint that asks for
more (Retry-After) is left alone for that time."""


class EndpointGenerator:
    """A `Generator` over an endpoint; safe for threads.

    At most ``parallel`` requests run; one more is refused at once, so that its caller gives quotes.
    """

    def __init__(self, settings: EndpointSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; nothing is sent before `start`. ``clock`` (seconds) tells the circuit breaker the time."""
        self._settings = settings
        self._exchange = Exchange(settings)
        self._breaker = CircuitBreaker(settings.failures, settings.rest, clock)
        self._places = threading.BoundedSemaphore(settings.parallel)
        self._found = GeneratorState(
            GeneratorStatus.LOADING, "The model's endpoint is being looked for.", "Try again in a few seconds."
        )
        self._under_way = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._running = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    @property
    def model_id(self) -> str:
        """The name that the endpoint gives its model."""
        return self._settings.model

    @property
    def ready(self) -> bool:
        """Whether the endpoint answered when it was last looked at, and has not failed again and again since."""
        return self.state.status is GeneratorStatus.READY

    @property
    def state(self) -> GeneratorState:
        """Where the endpoint stands, and why."""
        found, left = self._found, self._breaker.seconds_left
        if found.status is GeneratorStatus.READY and left > 0:
            reason = f"The model's endpoint is left alone for {left:.0f} seconds, because it failed or asked for it."
            return GeneratorState(GeneratorStatus.CRASHED, reason, UNTIL_THEN)
        return found

    @property
    def pid(self) -> None:
        """No process of this machine owns the model."""
        return

    def start(self) -> None:
        """Begin to look for the endpoint, and go on looking; returns at once."""
        self._thread.start()
        self._running.wait()

    def wait(self, seconds: float) -> bool:
        """Wait until the endpoint is known to be there or away, at most ``seconds``; return whether it is there."""
        self._looked.wait(seconds)
        return self.ready

    def close(self) -> None:
        """End all requests and close all connections; safe to call twice."""
        if self._thread.is_alive() and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(CLOSE_SECONDS)
        closed = _closed()
        self._found = GeneratorState(GeneratorStatus.MISSING, closed.message, closed.hint)
        self._looked.set()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return a cautious guess of each text's length in tokens; raises `GeneratorUnavailable` while it is away."""
        self._require()
        return estimated_tokens(texts)

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Draft]:
        """Yield pieces of text, then one `Draft`; closing the iterator, or ``cancelled()``, closes the connection.

        Raises `GeneratorUnavailable` when the endpoint is away, has as many requests as it may, or goes away.
        """
        self._require()
        if not self._places.acquire(blocking=False):
            raise GeneratorUnavailable("The model's endpoint has enough to do.", hint="Try again in a minute.")
        try:
            body = request_body(prompt, self._settings.model, max_tokens, stop)
            draft = yield from self._guarded(body, cancelled)
        finally:
            self._places.release()
        yield draft

    def _require(self) -> None:
        if not self.ready:
            state = self.state
            raise GeneratorUnavailable(state.reason, hint=state.hint)

    def _guarded(self, body: dict[str, Any], cancelled: Callable[[], bool]) -> Generator[str, None, Draft]:
        """Yield the pieces of one request, return its draft, and tell the breaker how it went."""
        if not self._breaker.admit():
            raise GeneratorUnavailable("The model's endpoint is being tried again after failures.", hint=UNTIL_THEN)
        tell: Callable[[], None] = self._breaker.gave_up
        try:
            for item in self._relay(body, cancelled):
                if isinstance(item, Draft):
                    if item.finish is not FinishReason.CANCELLED:
                        tell = self._breaker.succeeded
                    return item
                # Who stops reading after this has enough; the endpoint did well.
                tell = self._breaker.succeeded
                yield item
        except EndpointTrouble as trouble:
            tell = partial(self._breaker.failed if trouble.counts else self._breaker.gave_up, trouble.rest)
            raise
        finally:
            tell()
        raise _closed()

    def _relay(self, body: dict[str, Any], cancelled: Callable[[], bool]) -> Iterator[str | Draft]:
        """Run one request in the event loop, and yield what comes from there, the draft last."""
        mail: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        pieces: list[str] = []
        future = self._submit(self._persist(body, mail.put))
        future.add_done_callback(lambda _: mail.put(None))
        try:
            while not cancelled():
                try:
                    piece = mail.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    if not self._thread.is_alive():
                        raise _closed() from None
                    continue
                if piece is None:
                    yield _result(future)
                    return
                pieces.append(piece)
                yield piece
        finally:
            future.cancel()
        yield Draft("".join(pieces), FinishReason.CANCELLED, 0, 0)

    def _submit(self, work: Coroutine[Any, Any, Draft]) -> Future[Draft]:
        try:
            if self._loop is not None:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:  # the loop has just been closed
            work.close()
            raise _closed() from error
        work.close()
        raise _closed()

    async def _persist(self, body: dict[str, Any], put: Callable[[str], None]) -> Draft:
        """Try as often as is sensible, within the time for the whole; raises `EndpointTrouble`."""
        jitter = wait_random_exponential(multiplier=self._settings.retry_wait, max=LONGEST_RETRY_WAIT_SECONDS)
        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._settings.attempts),
            wait=lambda state: max(jitter(state), _rest(state)),
            retry=retry_if_exception(_worth_another_attempt),
            reraise=True,
        )
        self._under_way += 1
        try:
            async with asyncio.timeout(self._settings.whole):
                return await attempts(self._exchange.write, body, put)
        except TimeoutError as error:
            raise too_slow("the whole answer", self._settings.whole) from error
        finally:
            self._under_way -= 1

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        """Look after the endpoint until `close`, then end what is under way before the connections are closed."""
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._running.set()
        async with self._exchange:
            watch = asyncio.create_task(self._watch())
            await self._stop.wait()
            watch.cancel()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

    async def _watch(self) -> None:
        pause = FIRST_LOOK_AGAIN_SECONDS
        while True:
            while self._under_way:  # an endpoint that is busy with our texts may be slow to say that it is there
                await asyncio.sleep(pause)
            try:
                await self._exchange.look()
            except EndpointTrouble as trouble:
                self._see(GeneratorState(GeneratorStatus.CRASHED, trouble.message, trouble.hint))
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._settings.look_every)
            else:
                self._see(GeneratorState(GeneratorStatus.READY))
                pause = FIRST_LOOK_AGAIN_SECONDS
                await asyncio.sleep(self._settings.look_every)

    def _see(self, state: GeneratorState) -> None:
        if state != self._found:
            level = logging.INFO if state.status is GeneratorStatus.READY else logging.WARNING
            log.log(level, "generator: %s", state.reason or f"{self.model_id} is ready")
        self._found = state
        self._looked.set()


def _worth_another_attempt(error: BaseException) -> bool:
    return isinstance(error, EndpointTrouble) and error.passing and error.rest <= LONGEST_RETRY_WAIT_SECONDS


def _rest(state: RetryCallState) -> float:
    """Return the seconds that the endpoint asked for after the attempt that failed."""
    error = state.outcome.exception() if state.outcome else None
    return error.rest if isinstance(error, EndpointTrouble) else 0.0


def _result(future: Future[Draft]) -> Draft:
    try:
        return future.result()
    except CancelledError as error:
        raise _closed() from error


def _closed() -> GeneratorUnavailable:
    return GeneratorUnavailable("The model's endpoint is no longer used.", hint="Start SpreadGuide again.")
