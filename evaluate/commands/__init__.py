"""The sub-commands of ``python -m evaluate``: each module's ``add`` adds the parser of one."""
