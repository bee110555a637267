"""Add the number of a response's parts that belong to a text that Discord blocked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("response", sa.Column("dropped_parts", sa.Integer(), server_default="0", nullable=False))
