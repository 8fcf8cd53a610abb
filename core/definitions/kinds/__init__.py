"""The two kinds that need nothing above this package: catalogues and roles."""

from core.definitions.kinds.catalogue import Catalogue, compile_catalogue
from core.definitions.kinds.role import RoleDefinition, compile_role
from core.definitions.registry import register_compiler

__all__ = ["Catalogue", "RoleDefinition", "compile_catalogue", "compile_role"]

register_compiler("catalogue", compile_catalogue)
register_compiler("role", compile_role)
