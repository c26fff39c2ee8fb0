"""Search, the catalogue of reports, and single passages in their place."""

from __future__ import annotations

from fastapi import APIRouter

from spreadguide.api import schemas
from spreadguide.api.services import ServicesHere
from spreadguide.retrieval.filters import matching
from spreadguide.retrieval.search import also_in
from spreadguide.types import Passage

router = APIRouter(prefix="/v1", tags=["library"])


@router.post("/search", summary="Find passages")
def search(body: schemas.SearchRequest, services: ServicesHere) -> schemas.SearchResponse:
    """Return the passages that fit best, without an answer."""
    filters = body.filters or schemas.Filters.model_validate({})
    wanted = filters.reports()
    with services.lease() as assistant:
        source_ids = matching(assistant.library.store.sources, wanted)
        hits = assistant.search(body.query, body.k, source_ids=source_ids, superseded=filters.superseded)
    return schemas.SearchResponse(hits=[schemas.hit_out(hit) for hit in hits])


@router.get("/sources", summary="List the reports")
def sources(services: ServicesHere) -> schemas.SourcesResponse:
    """Return every report in the index, ordered by title."""
    with services.lease() as assistant:
        found = assistant.library.store.sources()
    return schemas.SourcesResponse(sources=[schemas.source_out(source) for source in found])


@router.get("/sources/{source_id}", summary="Show one report's entry")
def source(source_id: str, services: ServicesHere) -> schemas.SourceOut:
    """Return one report's catalogue entry."""
    with services.lease() as assistant:
        return schemas.source_out(assistant.library.store.source(source_id))


@router.get("/passages/{passage_id}", summary="Show one passage in its place")
def passage(passage_id: str, services: ServicesHere) -> schemas.PassageOut:
    """Return a passage with its neighbours; `start` and `end` index into the document's normalised text."""
    with services.lease() as assistant:
        store = assistant.library.store
        found = store.passage(passage_id)
        before, after = store.neighbours(passage_id)
        boxes = store.boxes(found.source_id, found.start, found.end)
        numbers = {found.page, *(box.page for box in boxes)}
        pages = [page for page in store.pages(found.source_id) if page.number in numbers]
        others = also_in(store, found)
        return schemas.PassageOut(
            passage_id=found.passage_id,
            source=schemas.source_out(store.source(found.source_id)),
            heading=schemas.HEADING_SEPARATOR.join(found.heading),
            page=found.page,
            text=found.text,
            start=found.start,
            end=found.end,
            before=_neighbour(before),
            after=_neighbour(after),
            page_label=found.page_label,
            also_in=[schemas.also_in_out(other) for other in others],
            pages=[schemas.PageOut.model_validate(page) for page in pages],
            boxes=[schemas.box_out(box) for box in boxes],
        )


def _neighbour(passage: Passage | None) -> schemas.NeighbourOut | None:
    if passage is None:
        return None
    return schemas.NeighbourOut(passage_id=passage.passage_id, text=passage.text, start=passage.start, end=passage.end)
