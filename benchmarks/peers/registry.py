"""A trust registry as one would write it in an afternoon: FastAPI, SQLAlchemy's ORM, SQLite. TRQP 2.0's authorization.

    REGISTRY=registry.sqlite python -m uvicorn --app-dir benchmarks/peers registry:app
    python benchmarks/peers/registry.py registry.sqlite ISSUERS          makes the database: two of three are accredited

It looks up the entity, the authority and the authorization in tables with indexes, and checks the dates. It has no
signatures, no proofs, no scopes, no chain of authorities, no history: what a registry costs that does not have to prove
anything.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, Index, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker


class Base(DeclarativeBase):
    """All tables."""


class AuthorityRow(Base):
    """Who authorizes."""

    __tablename__ = "authorities"
    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(unique=True, index=True)


class EntityRow(Base):
    """Who is authorized."""

    __tablename__ = "entities"
    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(unique=True, index=True)
    authorizations: Mapped[list["Authorization"]] = relationship(back_populates="entity")


class Authorization(Base):
    """That an entity may do something with something, from when to when."""

    __tablename__ = "authorizations"
    # Not one on the authority alone: all rows have the same, and SQLite would walk through them.
    __table_args__ = (Index("by_entity", "entity_id", "authority_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    action: Mapped[str]
    resource: Mapped[str]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    entity: Mapped[EntityRow] = relationship(back_populates="authorizations")


class AuthorizationRequest(BaseModel):
    """TRQP 2.0."""

    entity_id: str = Field(min_length=1, max_length=2048)
    authority_id: str = Field(min_length=1, max_length=2048)
    action: str
    resource: str
    context: dict[str, object] | None = None


class AuthorizationResponse(BaseModel):
    """TRQP 2.0."""

    entity_id: str
    authority_id: str
    action: str
    resource: str
    authorized: bool
    time_evaluated: str
    message: str
    context: dict[str, object] | None = None


# As many connections as FastAPI has threads: with SQLAlchemy's default of 15 it stands still under 64 who ask.
engine = create_engine(f"sqlite:///{os.environ.get('REGISTRY', 'registry.sqlite')}", pool_size=64, max_overflow=64)
open_session = sessionmaker(engine)
app = FastAPI()


def session() -> Iterator[Session]:
    """One for each request."""
    with open_session() as opened:
        yield opened


@app.post("/authorization")
def authorization(request: AuthorizationRequest, db: Annotated[Session, Depends(session)]) -> AuthorizationResponse:
    """May this entity do this with this, under this authority?"""
    authority = db.scalar(select(AuthorityRow).where(AuthorityRow.identifier == request.authority_id))
    if authority is None:
        raise HTTPException(404, "unknown authority")
    now = datetime.now(UTC).replace(tzinfo=None)
    entity = db.scalar(select(EntityRow).where(EntityRow.identifier == request.entity_id))
    found = None
    if entity is not None:
        found = db.scalar(
            select(Authorization).where(
                Authorization.entity_id == entity.id,
                Authorization.authority_id == authority.id,
                Authorization.action == request.action,
                Authorization.resource == request.resource,
                Authorization.valid_from <= now,
                Authorization.valid_until > now,
            )
        )
    return AuthorizationResponse(
        **request.model_dump(),
        authorized=found is not None,
        time_evaluated=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        message="authorized" if found is not None else "not authorized",
    )


def make(path: str, issuers: int, authority: str) -> None:
    """The database."""
    made = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(made)
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = [{"id": number + 1, "identifier": f"did:web:i{number}.example"} for number in range(issuers)]
    given = [
        {
            "entity_id": number + 1,
            "authority_id": 1,
            "action": "issue",
            "resource": "achievementType:Degree",
            "valid_from": now - timedelta(days=1),
            "valid_until": now + timedelta(days=365),
        }
        for number in range(issuers)
        if number % 3
    ]
    with made.begin() as connection:
        connection.execute(insert(AuthorityRow), [{"id": 1, "identifier": authority}])
        connection.execute(insert(EntityRow), rows)
        connection.execute(insert(Authorization), given)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), sys.argv[3])
