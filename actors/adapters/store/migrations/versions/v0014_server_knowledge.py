"""Add knowledge about model servers, so that the bot does not learn it again after a restart at the cost of a line."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "server_knowledge",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("server", "model", name=op.f("pk_server_knowledge")),
    )
