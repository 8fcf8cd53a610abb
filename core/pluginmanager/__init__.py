"""Finding plugins, loading what fits, and asking only those that an agency has switched on."""

from core.pluginmanager.manager import FailedPlugin, Plugins, plugins
from core.pluginmanager.manifest import PluginManifest

__all__ = ["FailedPlugin", "PluginManifest", "Plugins", "plugins"]
