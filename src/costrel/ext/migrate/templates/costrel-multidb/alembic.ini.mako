# Alembic's settings. The databases are those of the application; nothing has to be set here.

[alembic]
# The default database and those of SQLALCHEMY_BINDS; without this line, the default one only.
databases = all
# How files are named; more names: year, month, day, hour, minute, second.
# file_template = %%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s
path_separator = os
