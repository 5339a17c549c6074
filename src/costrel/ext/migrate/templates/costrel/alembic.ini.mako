# Alembic's settings. The databases are those of the application; nothing has to be set here.

[alembic]
# How files are named; more names: year, month, day, hour, minute, second.
# file_template = %%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s
path_separator = os
