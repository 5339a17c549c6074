<%
    from costrel.ext.migrate.databases import identifiers
%>"""${message}

Revision: ${up_revision}
Follows: ${down_revision | comma,n}
Written: ${create_date}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade(engine_name):
    # A database that came later has nothing to do here.
    globals().get(f"upgrade_{engine_name}", lambda: None)()


def downgrade(engine_name):
    globals().get(f"downgrade_{engine_name}", lambda: None)()
% for name in identifiers():


def upgrade_${name}():
    ${context.get(f"{name}_upgrades", "pass")}


def downgrade_${name}():
    ${context.get(f"{name}_downgrades", "pass")}
% endfor
